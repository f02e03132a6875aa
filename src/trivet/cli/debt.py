"""`trivet debt`: what is owed, computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from trivet.cli.options import home_option, json_option, opened, show, table

__all__ = ["command"]


@click.command("debt")
@home_option
@click.option("--kind", default="", help="Only one kind, such as undocumented-interface.")
@json_option
def command(home: Path, kind: str, as_json: bool) -> None:
    """Technical debt found in this home: principal (once) and interest (each month, from events counted here).

    Hours and minutes of each kind and the rates are tables that the site owns; the counts are not typed in by anybody.

    \b
    Examples:
      trivet debt
      trivet debt --kind unmapped-code --json
    """
    with opened(home) as house:
        owed = house.role("assessment").debt()
    items = [asdict(item) for item in owed["items"] if kind in ("", item.kind)]
    show(as_json, {**owed, "items": items}, lines(owed, items))


def lines(owed: dict[str, Any], items: list[dict[str, Any]]) -> Iterator[str]:
    """For people: dearest first."""
    for currency, total in owed["totals"].items():
        yield f"{total['items']} items: {total['principal']} {currency} to put right, {total['interest']} {currency} a month until then"
    columns = ("kind", "asset", "principal", "interest", "events_per_month", "decisions", "detail")
    yield from table(columns, [[item[name] for name in columns] for item in items])
    for name, reason in owed["unmeasured"].items():
        yield f"not measured: {name} ({reason})"
