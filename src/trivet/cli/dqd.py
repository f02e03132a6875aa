"""`trivet dqd`: OHDSI's DataQualityDashboard over any OMOP database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from trivet.cli.options import caller_of, caller_options, fail, json_option, opened, show, table
from trivet.kernel.errors import ChecksFailed, Refused, Usage

__all__ = ["command"]

folder = click.Path(path_type=Path, file_okay=False, exists=True)


@click.command("dqd")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--tables", type=folder, help="Folder with tables of checks and thresholds of your own, in OHDSI's format.")
@click.option("--open", "name", metavar="CHECK", help="Print the rows that break one check.")
@click.option("--again", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Judge a report of --json anew; nothing runs.")
@click.option("--staged", is_flag=True, help="Stop after a stage (structure, logic, analysis) that fails.")
@click.option("--absent-empty", is_flag=True, help="Take tables that are not there for empty ones.")
@click.option("--today", metavar="DATE", help="What the future is measured against.  [default: the machine's date]")
@click.option("--limit", default=100, show_default=True, help="Most rows to print, most keys to keep of one check.")
@click.option("--home", type=folder, envvar="TRIVET_HOME", help="The home that built it: asks for consent anew.  [env: TRIVET_HOME]")
@caller_options
@json_option
def command(
    path: Path | None,
    tables: Path | None,
    name: str | None,
    again: Path | None,
    staged: bool,
    absent_empty: bool,
    today: str | None,
    limit: int,
    home: Path | None,
    role: str,
    purpose: str,
    reason: str,
    as_json: bool,
) -> None:
    """Run all checks of CDM 5.4 over PATH: a DuckDB file, or a folder of Parquet or CSV files named after tables. Needs no home.

    With --home, a database that this home built is asked for consent anew: while somebody is in it who refuses the purpose by now, nothing
    runs (exit 3), and a build takes them out.

    Thresholds are applied after measuring. Exit 6 when a fatal check does not hold or cannot run.

    \b
    Examples:
      trivet dqd omop/ --json > report.json
      trivet dqd --again report.json --tables my-thresholds/
      trivet dqd omop.duckdb --open field_isforeignkey_visit_occurrence_person_id
    """
    from trivet.wiring.dqd import open_check, rejudge, run_checks

    day = _day(today)
    if home is not None and path is not None:
        consented(home, path, role, purpose, reason)
    if again is not None:
        answer = rejudge(again, tables)
    elif path is None:
        raise Usage("E807", "which database?", help="trivet dqd FOLDER")
    elif name:
        rows = open_check(path, name, day, tables, limit)
        columns = list(rows[0]) if rows else []
        show(as_json, {"check": name, "rows": rows}, table(columns, [list(row.values()) for row in rows]))
        return
    else:
        answer = run_checks(path, day, tables, staged=staged, empty=absent_empty, keep=limit)
    show(as_json, answer, lines(answer, limit))
    grave = [row["id"] for row in answer["results"] if row["severity"] == "fatal" and row["verdict"] in ("fail", "error")]
    if grave:
        what = f"{len(grave)} fatal checks do not hold"
        fail(as_json, ChecksFailed("E808", what, why=", ".join(grave[:5]), help=f"trivet dqd PATH --open {grave[0]}"))


def consented(home: Path, path: Path, role: str, purpose: str, reason: str) -> None:
    """Refused E923 while the database holds somebody who refuses the purpose. A database of others holds nobody that this home knows."""
    from trivet.flows.ask import permit
    from trivet.wiring.omop import refusing_in

    with opened(home) as house:
        caller = caller_of(house, role, purpose, reason)
        found = refusing_in(house, path, house.role("access").left_out(caller.purpose))
        if found is None:
            return
        permit(house, caller, "dqd", ("clinical",))
    if found:
        what = f"{found} persons in this database refuse {caller.purpose} by now"
        raise Refused("E923", what, failed=("consent",), where=str(path), why="a consent came or changed", help=f"trivet omop build {path}")


def _day(said: str | None) -> str:
    if said is None:
        return datetime.now(UTC).date().isoformat()
    try:
        return datetime.strptime(said, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()
    except ValueError:
        raise Usage("E809", "--today takes a date", why=said, help="--today 2026-01-31") from None


def lines(answer: dict[str, Any], limit: int) -> list[str]:
    """Counts, findings, then what does not hold, for people."""
    order = {"error": 0, "fail": 1, "pass-with-violations": 2}
    ranked = sorted((row for row in answer["results"] if row["verdict"] in order), key=lambda row: (order[row["verdict"]], row["id"]))
    rows = [(row["id"], row["verdict"], row["severity"], row["failing"], row["total"], row["why"]) for row in ranked[:limit]]
    stages = [(stage, *counts.values()) for stage, counts in answer["stages"].items()]
    return [
        *table(("stage", *next(iter(answer["stages"].values()))), [*stages, ("all", *answer["verdicts"].values())]),
        "",
        *(f"{row['finding']}: {row['table']}" for row in answer["findings"] or []),
        *table(("check", "verdict", "severity", "failing", "of", "why"), rows),
    ]
