"""`trivet dqd`: OHDSI's DataQualityDashboard over any OMOP database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from trivet.cli.options import fail, json_option, show, table
from trivet.kernel.errors import ChecksFailed, Usage

__all__ = ["command"]

folder = click.Path(path_type=Path, file_okay=False, exists=True)


@click.command("dqd")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--tables", type=folder, help="Folder with tables of checks and thresholds of your own, in OHDSI's format.")
@click.option("--open", "opened", metavar="CHECK", help="Print the rows that break one check.")
@click.option("--again", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Judge a report of --json anew; nothing runs.")
@click.option("--staged", is_flag=True, help="Stop after a stage (structure, logic, analysis) that fails.")
@click.option("--absent-empty", is_flag=True, help="Take tables that are not there for empty ones.")
@click.option("--today", metavar="DATE", help="What the future is measured against.  [default: the machine's date]")
@click.option("--limit", default=100, show_default=True, help="Most rows to print, most keys to keep of one check.")
@json_option
def command(
    path: Path | None,
    tables: Path | None,
    opened: str | None,
    again: Path | None,
    staged: bool,
    absent_empty: bool,
    today: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Run all checks of CDM 5.4 over PATH: a DuckDB file, or a folder of Parquet or CSV files named after tables. Needs no home.

    Thresholds are applied after measuring. Exit 6 when a fatal check does not hold or cannot run.

    \b
    Examples:
      trivet dqd omop/ --json > report.json
      trivet dqd --again report.json --tables my-thresholds/
      trivet dqd omop.duckdb --open field_isforeignkey_visit_occurrence_person_id
    """
    from trivet.wiring.dqd import open_check, rejudge, run_checks

    day = _day(today)
    if again is not None:
        answer = rejudge(again, tables)
    elif path is None:
        raise Usage("E807", "which database?", help="trivet dqd FOLDER")
    elif opened:
        rows = open_check(path, opened, day, tables, limit)
        columns = list(rows[0]) if rows else []
        show(as_json, {"check": opened, "rows": rows}, table(columns, [list(row.values()) for row in rows]))
        return
    else:
        answer = run_checks(path, day, tables, staged=staged, empty=absent_empty, keep=limit)
    show(as_json, answer, lines(answer, limit))
    grave = [row["id"] for row in answer["results"] if row["severity"] == "fatal" and row["verdict"] in ("fail", "error")]
    if grave:
        what = f"{len(grave)} fatal checks do not hold"
        fail(as_json, ChecksFailed("E808", what, why=", ".join(grave[:5]), help=f"trivet dqd PATH --open {grave[0]}"))


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
