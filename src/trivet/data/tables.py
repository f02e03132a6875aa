"""Whole tables of the operational store: their digest, and putting one in place of another.

In: a store, a table and the columns that put its rows in order, both from the closed list of projections. Out: one SHA-256
over all rows. Refused: nothing; the caller says which tables are projections.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from trivet.contracts.ports import Store, Tx
from trivet.kernel.resources import text

__all__ = ["StoreTables"]

PAGE = 20_000
_encoder = msgspec.json.Encoder()


def _sql(name: str, **words: str) -> str:
    return text("trivet.data", "sql", "statements", f"{name}.sql").format(**words)


def rows_of(store: Store, table: str, order: str) -> Iterator[list[tuple[Any, ...]]]:
    """All rows in order, a page at a time."""
    first = 0
    while rows := store.read(_sql("table_rows", table=table, order=order), (PAGE, first)):
        yield rows
        first += len(rows)
        if len(rows) < PAGE:
            return


class StoreTables:
    """Works on any store that has the tables."""

    def digest(self, store: Store, table: str, order: str) -> tuple[int, str]:
        """Number of rows and the digest over all of them."""
        made, count = hashlib.sha256(), 0
        for rows in rows_of(store, table, order):
            made.update(_encoder.encode_lines(rows))
            count += len(rows)
        return count, made.hexdigest()

    def replace(self, store: Store, fresh: Store, tables: Mapping[str, str]) -> None:
        """Put the rows of `fresh` in place of what `store` holds in these tables, in one transaction."""

        def work(tx: Tx) -> None:
            for table in reversed(list(tables)):
                tx.execute(_sql("table_empty", table=table))
            for table, order in tables.items():
                for rows in rows_of(fresh, table, order):
                    tx.executemany(_sql("table_fill", table=table, marks=", ".join("?" * len(rows[0]))), rows)

        store.write(work)
