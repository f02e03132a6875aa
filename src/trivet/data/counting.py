"""What a check finds: how many rows it speaks of, how many break it, and which. In, an engine with the relations in place; out, counts.

A check is counted here, or in parts wherever somebody can (`Counting`). Parts add up because every relation that a check reads is cut by
columns that keep together what the check joins or compares (`maps/quality/cuts.csv`), or goes whole to every part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from trivet.data.checklist import Check, rows_of
from trivet.kernel.errors import Fault, Usage
from trivet.kernel.resources import text

if TYPE_CHECKING:
    import pyarrow

__all__ = ["HERE", "Counted", "Counting", "Cut", "Engine", "added", "count", "cuts"]


class Engine(Protocol):
    """What runs SQL."""

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> pyarrow.Table: ...

    def put(self, name: str, table: pyarrow.Table) -> None: ...


class Row(NamedTuple):
    """One row that breaks a check."""

    record: str
    person: str | None
    known_seq: int | None
    why: str | None


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """What one check counted; the first `rows` that break it, by receipt and record. `broken`: it could not run."""

    failing: int = 0
    total: int = 0
    short: int = 0
    rows: list[Row] = []
    broken: bool = False


class Cut(NamedTuple):
    """A relation that a check reads, and the columns that keep together what must be together; without any it goes whole to every part."""

    relation: str
    by: tuple[str, ...]


class Counting(Protocol):
    """Where checks are counted. `kept` is how many rows of each are wanted."""

    def counted(self, engine: Any, checks: Sequence[Check], kept: int) -> dict[str, Counted]: ...


class _Here:
    """On the engine that holds the relations."""

    def counted(self, engine: Engine, checks: Sequence[Check], kept: int) -> dict[str, Counted]:
        return {check.check: count(engine, check.check, kept) for check in checks}


HERE: Counting = _Here()


def count(engine: Engine, name: str, kept: int) -> Counted:
    """The counts and the first offending rows of one check over what the engine holds."""
    sql = text("trivet.data", "sql", "checks", f"{name}.sql")
    try:
        [counts] = engine.run(_statement("check_measure", sql)).to_pylist()
        found = engine.run(_statement("check_rows", sql, kept)).to_pylist() if counts["failing"] else []
    except (Usage, Fault):
        return Counted(broken=True)
    return Counted(counts["failing"], counts["total"], counts["short"], [Row(**row) for row in found])


def added(parts: Iterable[Counted], kept: int) -> Counted:
    """The counts of parts as one. A part that broke breaks the whole: a check never passes on what was left of it."""
    held = list(parts)
    if not held or any(part.broken for part in held):
        return Counted(broken=True)
    rows = sorted((row for part in held for row in part.rows), key=_place)
    failing, total, short = (sum(getattr(part, name) for part in held) for name in ("failing", "total", "short"))
    return Counted(failing, total, short, rows[:kept])


def _place(row: Row) -> list[tuple[bool, int | str]]:
    """As `check_rows.sql` orders them: nothing stands last."""
    return [(value is None, "" if value is None else value) for value in (row.known_seq, row.record, row.why, row.person)]


@cache
def cuts() -> dict[str, tuple[Cut, ...]]:
    """What each check reads, in the order of the approved table."""
    found: dict[str, list[Cut]] = {}
    for row in rows_of("quality", "cuts.csv"):
        found.setdefault(row["check"], []).append(Cut(row["relation"], () if row["by"] == "whole" else tuple(row["by"].split())))
    return {name: tuple(held) for name, held in found.items()}


def _statement(name: str, check: str, limit: int = 0) -> str:
    return text("trivet.data", "sql", "statements", f"{name}.sql").format(check=check, limit=limit)
