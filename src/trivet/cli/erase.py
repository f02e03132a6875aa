"""`trivet erase`: a person, for ever."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import home_option, json_option, opened, show
from trivet.cli.suspend import who

__all__ = ["command"]


@click.command("erase")
@click.argument("person")
@click.option("--reason", default="", help="Why; it is kept, sealed. Name nobody in it.")
@click.option("--as", "principal", default="", help="Who erases; whoever sits at this machine if not given.")
@home_option
@json_option
def command(person: str, reason: str, principal: str, home: Path, as_json: bool) -> None:
    """Erase PERSON (an id such as p-0123...): keys, records, links and rows, in the database and in the shelves. It cannot be undone.

    What others said and did stays as it was; ledger entries and their proofs stand; decisions stay as entries that nobody can open.
    Refused (exit 3) while the person or the home is under a hold. Backups are yours: an old backup of the keys undoes an erasure.

    \b
    Examples:
      trivet erase p-1f0c2a77b1e94d0f8a31 --reason "request 2026-118"
      trivet erase p-1f0c2a77b1e94d0f8a31 --reason "request 2026-118" --as d.officer --json
    """
    from trivet.flows.erase import erase

    with opened(home) as house:
        done = erase(house, person, reason=reason, by=who(principal))
        counts = ", ".join(f"{done[name]} {name}" for name in ("units", "records", "decisions", "checks"))
        show(as_json, done, [f"erased at ledger {done['seq']}: {counts}"])
