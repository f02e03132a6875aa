"""`trivet rebuild`: every projection again, from vault and ledger."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import fail, home_option, json_option, opened, progress, show, table
from trivet.kernel.errors import ChecksFailed
from trivet.wiring.shadow import rebuild_home

__all__ = ["command"]


@click.command("rebuild")
@click.option("--check", is_flag=True, help="Compare only; leave differing tables as they are.")
@click.option("--accept", is_flag=True, help="Put right also what this release reads differently than the one that read it first.")
@home_option
@json_option
def command(check: bool, accept: bool, home: Path, as_json: bool) -> None:
    """Make every projection again from vault and ledger and compare, table by table, with what is there.

    Ends with 6 when a table differs; without --check it has then been put right. Where another release made the records and this
    one would make others, nothing is changed without --accept: what was known when decisions were made stays as it was.

    \b
    Examples:
      trivet rebuild
      trivet rebuild --check --home trivet-demo --json
    """
    with opened(home) as house:
        answer = rebuild_home(house, repair=not check, accept=accept, report=progress)
    columns = ("projection", "table", "rows", "rebuilt", "same")
    lines = [
        *table(
            columns,
            [
                [line["projection"], line["table"], line["rows"], line["rebuilt"], line["before"] == line["after"]]
                for line in answer["tables"]
            ],
        )
    ]
    lines += [
        f"run at ledger {run['run']} came out differently: made by {run['code']}, now {answer['code']}" for run in answer["runs_differing"]
    ]
    if answer["planned"]:
        lines.append("a plan: these runs were read by another release and stay as they were read, unless --accept reads them anew;")
        lines.append("whether a table is damaged besides, the release that read them tells")
    if answer["expired"]:
        lines.append(f"the bytes of {answer['expired']} units are gone (trivet retain): what was made of them is left as it is")
    show(as_json, answer, [*lines, "the same" if answer["same"] else "DIFFERENT" + (", put right" if answer["repaired"] else "")])
    if not answer["same"]:
        fail(
            as_json,
            ChecksFailed("E252", "projections differ from vault and ledger", why=", ".join(answer["differing"]), help="trivet fsck"),
        )
