"""`trivet repair`: what checks propose to put right, and what a person decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trivet.cli.options import caller_of, caller_options, home_option, json_option, opened, show, table
from trivet.cli.suspend import who
from trivet.kernel import jsontext

__all__ = ["command"]

STATES = ("open", "stale", "accepted", "overtaken", "rejected", "undone")
decided = [
    click.argument("name", metavar="REPAIR"),
    click.option("--by", default="", help="Who decides; whoever sits at this machine if not given."),
    click.option("--reason", default="", help="Why; goes on record."),
    home_option,
    json_option,
]


def decision(command: Any) -> Any:
    """The arguments of a decision."""
    for add in reversed(decided):
        command = add(command)
    return command


@click.group("repair")
def command() -> None:
    """Repairs that failing checks propose, each with its evidence. None is ever made without a person's decision.

    \b
    Examples:
      trivet repair find
      trivet repair list --state open
      trivet repair accept R-0a1b2c3d4e5f --reason "the analyser was set to umol/L that week"
    """


@command.command("find")
@home_option
@json_option
def find_(home: Path, as_json: bool) -> None:
    """Open the checks that can propose repairs, and propose what was not proposed before.

    \b
    Examples:
      trivet repair find
      trivet repair find --json
    """
    from trivet.flows.repair import find

    with opened(home) as house:
        found = find(house)
    told = [f"  {kind}: {count}" for kind, count in found.items()]
    show(as_json, {"found": found}, [f"{sum(found.values())} new proposals", *told])


@command.command("list")
@click.option("--state", type=click.Choice(STATES), default=None, help="Only these.")
@caller_options
@home_option
@json_option
def list_(state: str | None, role: str, purpose: str, reason: str, home: Path, as_json: bool) -> None:
    """All repairs that the caller may know of, without what stands in the records.

    Role and purpose decide, as for the relation `repairs`; persons who refuse the purpose are left out. It is on record.

    \b
    Examples:
      trivet repair list
      trivet repair list --state open --role steward --purpose HOPERAT --json
    """
    from trivet.flows.repair import look_over

    with opened(home) as house:
        rows, left_out = look_over(house, caller_of(house, role, purpose, reason))
    columns = ("repair", "state", "kind", "check", "record", "version", "made", "found", "decided")
    shown = [{name: row[name] for name in columns} for row in rows if state in (None, row["state"])]
    count = f"{len(shown)} repairs" + (f"; {left_out} persons refuse this purpose" if left_out else "")
    answer = {"repairs": shown, "left_out_by_consent": left_out}
    show(as_json, answer, [*table(columns, [list(row.values()) for row in shown]), count])


@command.command("show")
@click.argument("name", metavar="REPAIR")
@caller_options
@home_option
@json_option
def show_(name: str, role: str, purpose: str, reason: str, home: Path, as_json: bool) -> None:
    """One repair: each element before and after, and what speaks for it. Shows personal data, and records that it did.

    \b
    Examples:
      trivet repair show R-0a1b2c3d4e5f
      trivet repair show R-0a1b2c3d4e5f --role steward --purpose HOPERAT --reason "deciding it"
    """
    from trivet.flows.repair import look_at

    with opened(home) as house:
        row = look_at(house, name, caller_of(house, role, purpose, reason))
    told = {**row, "edits": [edit._asdict() for edit in row["edits"]]}
    lines = [f"{row['repair']}  {row['kind']}  {row['record']} version {row['version']}  {row['state']}"]
    lines += [f"  {edit.path}: {_json(edit.before)} -> {_json(edit.after)}" for edit in row["edits"]]
    show(as_json, told, [*lines, *(f"  because {one}" for one in row["evidence"])])


def _json(value: Any) -> str:
    return jsontext.dumps(value).decode()


def run(act: str, name: str, by: str, reason: str, home: Path, as_json: bool) -> None:
    """One decision, and what it did."""
    from trivet.flows.repair import decide

    with opened(home) as house:
        told = decide(house, name, act, by=who(by), reason=reason)
    lines = [f"{name}: {told['act']}, ledger {told['ledger']}"]
    lines += [f"  {told['record']} version {told['version']}"] if told["version"] else []
    lines += [f"  {told['approvals_missing']} more people must approve"] if told.get("approvals_missing") else []
    lines += [f"  then: {told['plan']}"] if told.get("plan") else []
    lines += (
        [f"  {len(told['decisions'])} decisions rested on the version before: {', '.join(told['decisions'][:20])}"]
        if told["decisions"]
        else []
    )
    show(as_json, told, lines)


@command.command("accept")
@decision
def accept(name: str, by: str, reason: str, home: Path, as_json: bool) -> None:
    """Make the repair: a new version of the record that names it. The version before stays as it was.

    \b
    Examples:
      trivet repair accept R-0a1b2c3d4e5f --reason "the analyser was set to umol/L that week"
      trivet repair accept R-0a1b2c3d4e5f --by "R. Abernathy" --reason "seen the chart" --json
    """
    run("accept", name, by, reason, home, as_json)


@command.command("reject")
@decision
def reject(name: str, by: str, reason: str, home: Path, as_json: bool) -> None:
    """Decline it: the same is not proposed of this record again.

    \b
    Examples:
      trivet repair reject R-0a1b2c3d4e5f --reason "the patient is on dialysis"
      trivet repair reject R-0a1b2c3d4e5f --by "R. Abernathy" --reason "true value" --json
    """
    run("reject", name, by, reason, home, as_json)


@command.command("undo")
@decision
def undo(name: str, by: str, reason: str, home: Path, as_json: bool) -> None:
    """Take an accepted repair back: what the source said stands again, as a new version.

    \b
    Examples:
      trivet repair undo R-0a1b2c3d4e5f --reason "the laboratory confirms the first value"
      trivet repair undo R-0a1b2c3d4e5f --by "R. Abernathy" --reason "wrong chart" --json
    """
    run("undo", name, by, reason, home, as_json)
