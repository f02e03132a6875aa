"""`trivet readiness`: what is ready, computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from trivet.cli.options import home_option, json_option, opened, show, table
from trivet.kernel.errors import NotFound

__all__ = ["command"]


@click.command("readiness")
@home_option
@click.option("--rows", "opened_figure", default="", help="Open one figure into the rows behind it.")
@json_option
def command(home: Path, opened_figure: str, as_json: bool) -> None:
    """What is ready for AI here, by domain, computed from this home. Not known counts as zero, and says why.

    \b
    Examples:
      trivet readiness
      trivet readiness --rows documented-interfaces --json
    """
    with opened(home) as house:
        found = asdict(house.role("assessment").readiness())
    if not opened_figure:
        show(as_json, found, lines(found))
        return
    figures = [found["control"], *(figure for domain in found["domains"] for figure in domain["figures"])]
    one = next((figure for figure in figures if figure["id"] == opened_figure), None)
    if one is None:
        raise NotFound("E751", f"no figure {opened_figure}", why=", ".join(figure["id"] for figure in figures), help="trivet readiness")
    show(as_json, one, figure_lines(one))


def said(figure: dict[str, Any]) -> str:
    """The number with what it was counted over, or why there is none."""
    return f"{figure['value']} % ({figure['good']} of {figure['n']})" if figure["value"] else f"not known: {figure['reason']}"


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The whole for people."""
    yield f"level {found['level']} of 5   ledger position {found['as_of']}   {found['at']}"
    yield f"decisions under control today: {said(found['control'])}"
    yield ""
    rows = [
        (domain["name"], domain["level"], figure["id"], said(figure), "red line" if figure["red_line"] else "")
        for domain in found["domains"]
        for figure in domain["figures"]
    ]
    yield from table(("domain", "level", "figure", "now", ""), rows)
    yield ""
    for step in found["next_steps"]:
        yield f"next: {step['step']} ({step['id']}: {step['now']}, needed {step['needed']}, about {step['hours']} h)"


def figure_lines(figure: dict[str, Any]) -> Iterator[str]:
    """One figure and its rows."""
    yield f"{figure['title']}: {said(figure)}"
    yield f"  {figure['how']}"
    if figure["rows"]:
        yield from table(figure["rows"][0], [row.values() for row in figure["rows"]])
