"""`trivet reconcile`: nothing lost."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import fail, home_option, json_option, opened, show, table
from trivet.flows.reconcile import STATES, reconcile
from trivet.kernel.errors import ChecksFailed

__all__ = ["command"]

COLUMNS = ("source", "landed", *STATES, "partial", "repeated", "off")


@click.command("reconcile")
@home_option
@json_option
def command(home: Path, as_json: bool) -> None:
    """Per source: landed = mapped + quarantined + ignored by a rule + in flight, and every byte of every file in some unit.

    What is acknowledged and still stands in the intake journal is named beside the sums (`in_journal`): it is landed in a moment.
    Ends with 6 when any sum is off.

    \b
    Examples:
      trivet reconcile
      trivet reconcile --home trivet-demo --json
    """
    with opened(home) as house:
        answer = reconcile(house)
    lines = [*table(COLUMNS, [[line[name] for name in COLUMNS] for line in answer["sources"]])]
    lines += [
        f"files of {line['source']}: {line['files']}, {line['covered']} of {line['bytes']} bytes in units" for line in answer["files"]
    ]
    lines += [f"{line['source']}: {line['in_journal']} acknowledged, to be landed" for line in answer["sources"] if line["in_journal"]]
    lines += [f"off: ledger {line['seq']}, {line['covered']} of {line['bytes']} bytes in units" for line in answer["files_off"]]
    show(as_json, answer, [*lines, "balanced" if answer["balanced"] else "NOT balanced"])
    if not answer["balanced"]:
        fail(as_json, ChecksFailed("E222", "a sum is off", why="something came in that stands nowhere, or twice", help="trivet fsck"))
