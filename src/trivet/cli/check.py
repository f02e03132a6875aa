"""`trivet check`: the quality checks, each failing one opened into its rows."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trivet.cli.options import home_option, json_option, opened, show, table
from trivet.kernel.errors import ChecksFailed, Usage
from trivet.wiring.bulk_checks import HERE, counting_on
from trivet.wiring.rooms import position

if TYPE_CHECKING:
    from trivet.contracts.verdict import CheckVerdict

__all__ = ["command"]

VERDICTS = ("pass", "fail", "not-applicable", "insufficient", "not-run", "error")


@click.command("check")
@click.argument("name", required=False, metavar="[CHECK]")
@click.option("--as-of", default=None, metavar="SEQ|TIME", help="Check what was known at a ledger position or an instant.")
@click.option("--list", "listing", is_flag=True, help="Name the checks with their thresholds and owners.")
@click.option("--judge", "again", is_flag=True, help="Apply the thresholds in force to the newest run's counts; nothing is measured.")
@click.option("--limit", default=100, show_default=True, help="Most rows to print of one check.")
@click.option("--engine", default="duckdb", show_default=True, help="Where the checks are counted: duckdb, spark, or an installed plugin.")
@click.option("--master", default="local[*]", show_default=True, help="Where Spark runs.")
@home_option
@json_option
def command(
    name: str | None, as_of: str | None, listing: bool, again: bool, limit: int, engine: str, master: str, home: Path, as_json: bool
) -> None:
    """Run the quality checks and write the run down; with CHECK, open one check into the rows that break it.

    Structure comes first: what rests on a structure that fails is not-run. Exit 6 when a check of severity error does not hold or is
    not run.

    \b
    Examples:
      trivet check --json
      trivet check unit-mixed-up --limit 20
      trivet check --judge
      trivet check --engine spark --master "local[8]"
    """
    with opened(home) as house:
        checks: Any = house.checks
        if listing:
            known = [{field: getattr(check, field) for field in type(check).__slots__} for check in checks.checks()]
            columns = ("check", "stage", "table", "threshold", "severity", "owner")
            show(as_json, {"checks": known}, table(columns, [[row[column] for column in columns] for row in known]))
            return
        if again:
            if name or as_of or engine != "duckdb":
                raise Usage("E290", "--judge measures nothing: it takes neither CHECK, --as-of nor --engine", help="trivet check --judge")
            where = None
        else:
            where = position(house, as_of)
        if name:
            with counting(engine, master, house) as by:
                rows = checks.rows(name, where, by=by)
            shown = rows[:limit]
            shape = ("record", "person", "known_seq", "why")
            answer = {"check": name, "failing": len(rows), "rows": shown}
            show(as_json, answer, [*table(shape, [[row[column] for column in shape] for row in shown]), f"{len(rows)} rows"])
            return
        if again:
            verdicts = checks.judge()
        else:
            with counting(engine, master, house) as by:
                verdicts = checks.run(where, by)
    show(as_json, answer_of(verdicts), lines(verdicts))
    grave = [verdict.check for verdict in verdicts if verdict.severity == "error" and verdict.verdict in ("fail", "error", "not-run")]
    if grave:
        raise ChecksFailed("E292", f"{len(grave)} grave checks do not hold", why=", ".join(grave), help=f"trivet check {grave[0]}")


def counting(engine: str, master: str, house: Any) -> Any:
    """Where the checks are counted, for as long as they are."""
    return nullcontext(HERE) if engine == "duckdb" else counting_on(engine, house, {"master": master} if engine == "spark" else {})


def answer_of(verdicts: list[CheckVerdict]) -> dict[str, Any]:
    """The documented JSON form."""
    counts = {word: sum(verdict.verdict == word for verdict in verdicts) for word in VERDICTS}
    return {"verdicts": counts, "checks": [{field: getattr(verdict, field) for field in type(verdict).__slots__} for verdict in verdicts]}


def lines(verdicts: list[CheckVerdict]) -> list[str]:
    """Failing checks first, for people."""
    order = ("error", "fail", "not-run", "insufficient", "pass", "not-applicable")
    ranked = sorted(verdicts, key=lambda verdict: (order.index(verdict.verdict), verdict.severity, verdict.check))
    rows = []
    for verdict in ranked:
        first = verdict.rows[0] if verdict.rows else verdict.said
        rows.append(
            (
                verdict.check,
                verdict.stage,
                verdict.verdict,
                verdict.severity,
                verdict.failing,
                verdict.total,
                f"{verdict.threshold:g}",
                first,
            )
        )
    return list(table(("check", "stage", "verdict", "severity", "failing", "of", "let pass", "first row, or why not"), rows))
