"""The SQL of erasures by name: one statement in one file."""

from __future__ import annotations

from trivet.kernel.resources import text

__all__ = ["sql", "texts"]


def sql(name: str) -> str:
    """The statement in `sql/statements/<name>.sql`."""
    return text("trivet.data", "sql", "statements", f"{name}.sql")


def texts(name: str, **words: str) -> str:
    """The same with names of tables put in, from the closed list of projections."""
    return sql(name).format(**words) if words else sql(name)
