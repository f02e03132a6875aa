"""`trivet remap`: settled units read again with today's maps, as a plan, or accepted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trivet.cli.options import home_option, json_option, opened, progress, show

__all__ = ["command"]


@click.command("remap")
@click.option("--source", default="", help="Only units of this feed.")
@click.option("--since", default="", metavar="INSTANT", help="Only units that came at or after this instant (RFC 3339, or a date).")
@click.option("--until", default="", metavar="INSTANT", help="Only units that came before it.")
@click.option("--state", type=click.Choice(["mapped", "quarantined", "ignored"]), default=None, help="Only units in this end state.")
@click.option(
    "--read-by", default="", metavar="DIGEST", help="Only units read by maps with this digest, or by this code (a prefix is enough)."
)
@click.option("--accept", is_flag=True, help="Do it: new record versions, known from now on. Without it nothing is written.")
@home_option
@json_option
def command(source: str, since: str, until: str, state: str | None, read_by: str, accept: bool, home: Path, as_json: bool) -> None:
    """Read settled units again and say what would come out differently: records, end states, and the decisions that rested on them.

    Nothing is written without --accept; and with it nothing either, when nothing differs.

    \b
    Examples:
      trivet remap --source lab --since 2026-03-01
      trivet remap --source lab --state quarantined --accept --json
    """
    from trivet.contracts.revision import Chosen
    from trivet.flows.remap import remap
    from trivet.wiring.rooms import moment

    with opened(home) as house:
        chosen = Chosen(source, state or "", moment(house, since), moment(house, until) or "~", read_by)
        answer = remap(house, chosen, accept=accept, report=progress)
    show(as_json, answer, lines(answer))


def lines(answer: dict[str, Any]) -> list[str]:
    """The plan, for people."""
    told = [f"{answer['units']} units read again by {answer['code']}, maps {answer['maps'][:12]}"]
    told += [f"  records  {answer[kind]:6} {kind}" for kind in ("changed", "new", "gone") if answer[kind]]
    told += [f"  units    {count:6} {move}" for move, count in answer["states"].items()]
    for change in answer["changes"][:20]:
        where = f"{change['key']} version {change['version']} (receipt {change['receipt']})"
        told.append(f"  {change['kind']:8} {where}: {', '.join(change['elements'])}")
    told += (
        [f"  overtaken {answer['overtaken']}: a later unit spoke of the record, it stays as that unit said"] if answer["overtaken"] else []
    )
    told += [f"  WORSE {answer['worse']}: units that were read and could not be read now; they stay as they are"] if answer["worse"] else []
    told += [f"  erased {answer['erased']}: nothing left to read"] if answer["erased"] else []
    rested = answer["decisions"]
    told.append(
        f"  decisions that rested on what changes: {rested['count']}" + (f" ({', '.join(rested['ids'][:5])} ...)" if rested["ids"] else "")
    )
    if answer["same"]:
        return [*told, "nothing would change"]
    return [
        *told,
        f"done, ledger {', '.join(map(str, answer['runs']))}" if answer["accepted"] else "a plan: trivet remap ... --accept does it",
    ]
