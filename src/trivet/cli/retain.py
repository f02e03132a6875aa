"""`trivet retain`: raw bytes whose time is over, as a plan, or removed."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import home_option, json_option, opened, progress, show

__all__ = ["command"]


@click.command("retain")
@click.option("--accept", is_flag=True, help="Remove them. Without it nothing is written.")
@home_option
@json_option
def command(accept: bool, home: Path, as_json: bool) -> None:
    """Say which raw units are older than `[retention] raw_days`; with --accept remove their bytes. Records and proofs stand.

    Never removed: what is in flight, quarantined or taken in part, of a source under a hold, or under a decision.

    \b
    Examples:
      trivet retain
      trivet retain --accept --json
    """
    from trivet.flows.retain import retain

    with opened(home) as house:
        answer = retain(house, accept=accept, report=progress)
    lines = [f"{answer['units']} units that came before {answer['before']}: " + ("bytes removed" if accept else "bytes would be removed")]
    lines += [f"  kept {count:8} {why}" for why, count in answer["kept"].items() if count]
    show(as_json, answer, lines if accept or not answer["units"] else [*lines, "a plan: trivet retain --accept does it"])
