"""`trivet meds`: the home's records as events for training, in the Medical Event Data Standard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trivet.cli.options import caller_of, caller_options, home_option, json_option, opened, show, table
from trivet.flows.ask import permit

__all__ = ["command"]


@click.command("meds")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the dataset.")
@click.option("--zone", default="UTC", show_default=True, help="The one zone that all instants are converted to.")
@click.option("--split", default="80,10,10", show_default=True, metavar="A,B,C", help="Persons in a hundred for train, tuning, held_out.")
@click.option("--seed", default="", help="Another word draws other splits.")
@click.option("--shards", type=click.IntRange(1, 10_000), default=4, show_default=True, help="Files for each split.")
@caller_options
@home_option
@json_option
def command(
    out: Path, zone: str, split: str, seed: str, shards: int, role: str, purpose: str, reason: str, home: Path, as_json: bool
) -> None:
    """Publish the home's current records as a MEDS 0.4 dataset. Only persons whose records changed are converted again.

    Role and purpose must permit it; persons whose consent refuses the purpose are left out. A split is drawn for each person by a hash of
    the person alone, so nobody moves between splits.

    \b
    Examples:
      trivet meds --out events/ --role data_scientist --purpose HRESCH
      trivet meds --out events/ --split 70,15,15 --zone America/Chicago --json
    """
    from trivet.wiring.meds import build_meds, split_of

    parts = split_of(split)
    with opened(home) as house:
        left_out = permit(house, caller_of(house, role, purpose, reason), "meds", ("clinical",))
        report = build_meds(house, out, zone=zone, shards=shards, split=parts, seed=seed, left_out=left_out)
    show(as_json, report | {"left_out_by_consent": len(left_out)}, lines(report, len(left_out)))


def lines(report: dict[str, Any], left_out: int) -> list[str]:
    """For people: what was written, and what made no event and why."""
    persons = report["persons"]
    told = [f"{report['change']} build of {persons['all']} persons: {persons['converted']} converted, {persons['removed']} removed"]
    told += [f"{left_out} persons refuse this purpose"] if left_out else []
    told += [f"  {code}: {count} events" for code, count in report.get("events", {}).items()]
    rows = [[row["resource"], row["reason"], row["count"]] for row in report.get("without", [])]
    return [*told, "", "no event:", *table(("resource", "reason", "count"), rows)] if rows else told
