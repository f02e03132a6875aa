"""`trivet demo`: a synthetic hospital, end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trivet.cli.options import json_option, progress, show

__all__ = ["command"]


@click.command("demo")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), default=Path("trivet-demo"), help="A new folder.")
@click.option("--patients", type=click.IntRange(100, 10_000_000), default=500, show_default=True, help="How many people.")
@click.option("--days", type=click.IntRange(60, 730), default=730, show_default=True, help="How long the history is.")
@click.option("--seed", type=int, default=7, show_default=True, help="The same seed gives the same bytes.")
@click.option("--no-serve", is_flag=True, help="End when the story ends, without a console.")
@click.option("--http", default="127.0.0.1:8470", show_default=True, metavar="HOST:PORT", help="Where the console stands.")
@json_option
def command(home: Path, patients: int, days: int, seed: int, no_serve: bool, http: str, as_json: bool) -> None:
    """A synthetic hospital: two years of messages in, governed and traceable decisions out, then a console to look at.

    \b
    Examples:
      trivet demo --patients 1000 --no-serve --json
      trivet demo --home /srv/demo
    """
    from trivet.wiring import demo

    progress(f"trivet demo  {patients:,} people  no telemetry, no outbound connections, everything stays in {home}")
    story = demo.run(home, patients, seed, days, lambda name, what, took: progress(f"  {name:<10}{what:<100}{took:6.1f} s")).as_dict()
    first = story["first_decision"]
    show(as_json, story, lines(story, first, home))
    if not no_serve:
        from trivet.cli.up import serve_home

        serve_home(home, http)


def lines(story: dict[str, Any], first: str, home: Path) -> list[str]:
    """What was planted and found, and what to look at next."""
    truth = story["truth"]
    identity, codes, faults = truth["identity"], truth["codes"], truth["faults"]
    share = "not measured" if codes["share"] is None else f"{100 * codes['share']:.1f} % of {codes['results']:,} results"
    return [
        "Planted and found, measured against the hospital's own truth:",
        f"  persons     precision {identity['precision']:.4f}, recall {identity['recall']:.4f} over {identity['pairs_true']:,} true pairs",
        f"  codes       {share} stand under a standard code",
        f"  faults      {faults['found']:,} found of {faults['planted']:,} planted",
        *(f"    {kind:<24}{held['found']:>5} of {held['planted']}" for kind, held in sorted(faults["by_kind"].items())),
        f"  decisions   {', '.join(f'{count} {name}' for name, count in story['decisions'].items()) or 'nobody was there to decide about'}",
        f"Next  trivet up --home {home}                  the console",
        *([f"      trivet explain {first} --home {home}     one decision, down to its bytes"] if first else []),
        "      trivet init DIR                          your own data",
    ]
