"""`trivet fsck`: does everything still fit together."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import fail, home_option, json_option, opened, show
from trivet.flows.fsck import fsck
from trivet.kernel.errors import ChecksFailed

__all__ = ["command"]


@click.command("fsck")
@click.option("--quick", is_flag=True, help="Do not open every blob.")
@home_option
@json_option
def command(quick: bool, home: Path, as_json: bool) -> None:
    """Check store, vault, ledger and projections against each other. Changes nothing; ends with 6 when something is wrong.

    \b
    Examples:
      trivet fsck
      trivet fsck --home trivet-demo --quick --json
    """
    with opened(home) as house:
        answer = fsck(house, deep=not quick)
    lines = []
    for found in answer["findings"]:
        state = "ok" if not found["wrong"] else "note" if found["harmless"] else "WRONG"
        lines.append(
            f"{state:5}  {found['check']:26} {found['wrong']} of {found['of']}"
            if found["of"]
            else f"{state:5}  {found['check']:26} {found['wrong']}"
        )
        if found["wrong"]:
            lines.append(f"       {found['why']}" + (f"; {found['help']}" if found["help"] else ""))
    lines += [f"in flight: {answer['in_flight']}", "sound" if answer["sound"] else "NOT sound"]
    show(as_json, answer, lines)
    if not answer["sound"]:
        wrong = ", ".join(found["check"] for found in answer["findings"] if found["wrong"] and not found["harmless"])
        fail(as_json, ChecksFailed("E251", "the home does not fit together", where=str(home), why=wrong, help="trivet doctor"))
