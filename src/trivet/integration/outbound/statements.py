"""The outbox's SQL, read by name: one statement in one file."""

from __future__ import annotations

from trivet.kernel.resources import text

__all__ = ["sql"]


def sql(name: str) -> str:
    """The statement in `integration/sql/statements/<name>.sql`."""
    return text("trivet.integration", "sql", "statements", f"{name}.sql")
