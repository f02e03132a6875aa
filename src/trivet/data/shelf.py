"""Append-only record versions, bitemporal, and what of them is published.

In: parcels of settled units. Out: what was known of a person at a position, all versions as Arrow, lineage, answers to SQL.
Refused: changing or removing a version; SQL that does more than read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trivet.contracts.envelope import Receipt
from trivet.contracts.parcel import Parcel
from trivet.contracts.ports import Store, Tx
from trivet.contracts.record import Span
from trivet.data.parcel import open_spans
from trivet.data.query import EVERYTHING, Query
from trivet.data.segments import Segments, arrow
from trivet.kernel import jsontext
from trivet.kernel.errors import NotFound
from trivet.kernel.resources import text

if TYPE_CHECKING:
    import pyarrow

__all__ = ["StoreShelf"]

COLUMNS = ("key", "type", "id", "version", "subject", "person", "valid_at", "known_seq", "receipt", "source", "deleted", "body")


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"{name}.sql")


class StoreShelf:
    """`contracts.ports.Shelf` over the operational store."""

    def __init__(self, store: Store, segments: Segments, query: Query) -> None:
        self._store, self._segments, self._query = store, segments, query

    def write(self, tx: Tx, outcomes: Sequence[tuple[Receipt, Parcel]], known: int | None = None) -> int:
        """Add the versions that differ from what is newest, in the order of the outcomes. Gives the number added.

        `known` is the position since which they are known: the receipt's own, unless old bytes are read anew.
        """
        wanted = sorted({sheet.key for _, parcel in outcomes for sheet in parcel.sheets})
        newest = {key: (*said,) for key, *said in tx.execute(_sql("record_newest"), (_list(wanted),))}
        rows, lineage = [], []
        for receipt, parcel in outcomes:
            if parcel.spans:
                lineage.append((receipt.seq, parcel.spans))
            for sheet in parcel.sheets:
                version, digest, subject, valid_at = newest.get(sheet.key, (0, b"", "", ""))
                if digest == sheet.digest:
                    continue
                # who takes a record back may name no more than the record: it stays about whom it was about
                subject = sheet.subject or (subject if sheet.deleted else "")
                valid_at = sheet.valid_at or (valid_at if sheet.deleted else "")
                newest[sheet.key] = (version + 1, sheet.digest, subject, valid_at)
                since = receipt.seq if known is None else known
                name = (sheet.key, sheet.type, sheet.id, version + 1, subject or "", valid_at or "")
                rows.append((*name, since, receipt.seq, receipt.source, sheet.deleted, sheet.digest, sheet.body))
        tx.executemany(_sql("record_add"), rows)
        tx.executemany(_sql("lineage_add"), lineage)
        return len(rows)

    def slice(self, person: str, as_of: int) -> list[dict[str, Any]]:
        """The newest version of each of a person's records that was known at `as_of`, by key; `resource` is the record itself."""
        answer = []
        for row in self._store.read(_sql("record_slice"), {"person": person, "as_of": as_of}):
            known = dict(zip(COLUMNS, row, strict=True))
            known["resource"] = jsontext.loads(known.pop("body"))
            answer.append(known)
        return answer

    def versions(self, person: str | None = None, as_of: int | None = None) -> pyarrow.Table:
        """All versions known at `as_of` (everything when None), of one person or of everybody, with the link of that position.

        Columns: key, type, id, version, subject, person, valid_at, known_seq, receipt, source, deleted, body.
        """
        if person is None:
            return self._query.arrow(_sql("record_everything"), as_of)
        limit = EVERYTHING if as_of is None else as_of
        return arrow(self._store.read(_sql("record_versions_of"), {"person": person, "as_of": limit}), COLUMNS)

    def query(self, sql: str, as_of: int | None = None, parameters: Sequence[Any] = ()) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Columns and rows of one SELECT over the published views, as of a position."""
        return self._query.ask(sql, as_of, parameters)

    def publish(self) -> None:
        """Let bulk readers find what was shelved lately in Parquet; what is not worth a file stays in the store."""
        self._segments.publish()

    def lineage(self, key: str, version: int) -> tuple[Span, ...]:
        """The spans behind one record version, in bytes of its receipt's unit. NotFound when there is no such version."""
        rows = self._store.read(_sql("lineage_of"), (key, version))
        if not rows:
            raise NotFound("E230", "no such record version", where=f"{key} version {version}")
        return open_spans(rows[0][1] or b"", key)


def _list(values: Sequence[Any]) -> str:
    return jsontext.dumps(values).decode("utf-8")
