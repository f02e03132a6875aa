"""`trivet demo`: a synthetic hospital, end to end."""

from __future__ import annotations

from collections.abc import Iterator
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
    from trivet.wiring.unanswered import told

    progress(f"trivet demo  {patients:,} people  no telemetry, no outbound connections, everything stays in {home}")
    story = demo.run(home, patients, seed, days, lambda name, what, took: progress(f"  {name:<10}{what:<100}{took:6.1f} s")).as_dict()
    first = story["first_decision"]
    show(as_json, story, lines(story, first, home, told(story["withheld"], patients)))
    if not no_serve:
        from trivet.cli.up import serve_home

        serve_home(home, http)


def lines(story: dict[str, Any], first: str, home: Path, withheld: list[str]) -> list[str]:
    """What was planted and found, why questions stayed unanswered, and what to look at next."""
    truth = story["truth"]
    identity, codes, faults = truth["identity"], truth["codes"], truth["faults"]
    share = "not measured" if codes["share"] is None else f"{100 * codes['share']:.1f} % of {codes['results']:,} results"
    rates = ", ".join(f"{name} {'not measured' if identity[name] is None else f'{identity[name]:.4f}'}" for name in ("precision", "recall"))
    return [
        "Planted and found, measured against the hospital's own truth:",
        f"  persons     {rates} over {identity['pairs_true']:,} true pairs",
        f"  codes       {share} stand under a standard code",
        f"  faults      {faults['found']:,} found of {faults['planted']:,} planted, {faults['blind_spots']:,} blind spots, "
        f"{faults['missed']:,} missed, {sum(truth['false_alarms'].values()):,} false alarms",
        *(line for kind, held in faults["by_kind"].items() for line in fault_lines(kind, held)),
        f"  decisions   {', '.join(f'{count} {name}' for name, count in story['decisions'].items()) or 'nobody was there to decide about'}",
        *withheld,
        f"Next  trivet up --home {home}                  the console",
        *([f"      trivet explain {first} --home {home}     one decision, down to its bytes"] if first else []),
        "      trivet init DIR                          your own data",
    ]


def fault_lines(kind: str, held: dict[str, Any]) -> Iterator[str]:
    """One kind of fault: found of planted, what else was said, and why some cannot be found."""
    alarms = f"no alarm: {held['no_alarm']}" if held["said"] is None else f"{held['false_alarms']:,} false alarms of {held['said']:,}"
    missed = f"   missed: {', '.join(held['missed'])}" if held["missed"] else ""
    yield f"    {kind:<24}{held['found']:>5} of {held['planted']:<5}   {alarms}{missed}"
    for spot in held["blind_spots"]:
        yield f"      {spot['fault']} is a blind spot: {spot['reason']}. Would be found by {spot['would_find']}"
