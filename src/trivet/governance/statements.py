"""The room's SQL, read by name from `sql/`: one statement in one file."""

from __future__ import annotations

from trivet.kernel.resources import listing, text

__all__ = ["schema", "sql"]


def sql(name: str) -> str:
    """The statement in `sql/statements/<name>.sql`."""
    return text("trivet.governance", "sql", "statements", f"{name}.sql")


def schema() -> tuple[str, ...]:
    """Every statement that makes this room's tables, in order; each may be run again."""
    return tuple(text("trivet.governance", "sql", "schema", name) for name in listing("trivet.governance", "sql/schema", ".sql"))
