"""`trivet replay`: one decision again, link by link, down to the bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trivet.cli.options import fail, home_option, json_option, opened, show
from trivet.kernel.errors import ChecksFailed

__all__ = ["command"]


@click.command("replay")
@click.argument("decisions", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every decision of the home.")
@click.option("--no-record", is_flag=True, help="Do not write the replay into the ledger.")
@home_option
@json_option
def command(decisions: tuple[str, ...], everything: bool, no_record: bool, home: Path, as_json: bool) -> None:
    """Run DECISIONS again as of what was known then and compare. Exit 6 when a link differs; says which is the first.

    \b
    Examples:
      trivet replay D-000042
      trivet replay --all --no-record --json
    """
    from trivet.flows.replay import replay_all, replay_many

    if bool(decisions) == everything:
        raise click.UsageError("either DECISIONS or --all")
    with opened(home) as house:
        told = replay_all(house, record=not no_record) if everything else replay_many(house, decisions, record=not no_record)
        different = [one["decision_id"] for one in told if not one["equal"]]
        answer = {"replayed": len(told), "equal": len(told) - len(different), "different": different, "decisions": told}
        lines = [line for one in told for line in told_lines(one, len(told) < 20)]
        show(as_json, answer, [*lines, f"{answer['equal']} of {answer['replayed']} equal"])
        if different:
            fail(
                as_json,
                ChecksFailed("E662", f"{len(different)} of {len(told)} decisions do not replay", help=f"trivet explain {different[0]}"),
            )


def told_lines(told: dict[str, Any], full: bool) -> list[str]:
    """One replay for people: its links when there is room for them, or when something differs."""
    head = f"{told['decision_id']}  class {told['class']}  " + ("equal" if told["equal"] else f"differs at {told['first_difference']}")
    return [head, *(f"  {one['link']:8} {one['state']:10} {one['why']}" for one in told["links"] if full or not told["equal"])]
