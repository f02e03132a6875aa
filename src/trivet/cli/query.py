"""`trivet query`: read-only SQL over what is published."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import home_option, json_option, opened, show, table
from trivet.kernel.errors import Usage
from trivet.wiring.rooms import position

__all__ = ["command"]


@click.command("query")
@click.argument("sql")
@click.option("--as-of", default=None, metavar="SEQ|TIME", help="What was known at a ledger position or an instant.")
@click.option("--limit", default=10_000, show_default=True, help="Most rows to print.")
@home_option
@json_option
def command(sql: str, as_of: str | None, limit: int, home: Path, as_json: bool) -> None:
    """Run one SELECT over the published views: decisions, messages, records, persons, links, checks, notices, coverage, ...

    It cannot write, reach files or load anything. `trivet query 'show tables'` is not needed: docs/reference/views.md lists them.

    \b
    Examples:
      trivet query "select state, count(*) from messages group by all"
      trivet query "select * from records where type = 'Observation' limit 5" --as-of 1200 --json
    """
    if limit < 1:
        raise Usage("E130", "--limit counts from 1")
    with opened(home) as house:
        columns, rows = house.shelf.query(sql, position(house, as_of))
    shown = rows[:limit]
    answer = {
        "columns": columns,
        "rows": [dict(zip(columns, row, strict=True)) for row in shown],
        "row_count": len(rows),
        "truncated": len(rows) > limit,
    }
    show(as_json, answer, [*table(columns, shown), f"{len(rows)} rows" + (f", {limit} shown" if len(rows) > limit else "")])
