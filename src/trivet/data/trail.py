"""From a record version back to the unit it was read from, and from there to the file.

In: a record key with its version, or a receipt's number. Out: what the tables say, with spans. Refused: what is not there.
"""

from __future__ import annotations

from trivet.contracts.envelope import Piece, Receipt
from trivet.contracts.ports import Store
from trivet.contracts.trail import Delivered, ReceiptTrace, VersionTrace
from trivet.data.parcel import open_spans
from trivet.kernel import jsontext
from trivet.kernel.errors import NotFound
from trivet.kernel.resources import text

__all__ = ["StoreTrail"]


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"trail_{name}.sql")


class StoreTrail:
    """`contracts.trail.Trail` over the operational store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def version(self, key: str, version: int) -> VersionTrace:
        """One record version with its spans. NotFound E230 when there is none."""
        rows = self._store.read(_sql("version"), (key, version))
        if not rows:
            raise NotFound("E230", "no such record version", where=f"{key} version {version}")
        source, receipt, known_seq, valid_at, deleted, body, spans = rows[0]
        resource = jsontext.loads(body)
        return VersionTrace(
            key, version, source, receipt, known_seq, valid_at, bool(deleted), body, resource, open_spans(spans or b"", key)
        )

    def receipt(self, seq: int) -> ReceiptTrace:
        """One receipt with its deliveries. NotFound E220 when there is none."""
        rows = self._store.read(_sql("receipt"), (seq,))
        if not rows:
            raise NotFound("E220", f"no receipt {seq}", help="trivet query 'select * from messages'")
        deliveries = tuple(
            Delivered(at, origin, received_at, tuple(Piece(*piece) for piece in jsontext.loads(pieces)), bool(repeated))
            for at, origin, received_at, pieces, repeated in self._store.read(_sql("deliveries"), (seq,))
        )
        return ReceiptTrace(Receipt(*rows[0][:6]), rows[0][6], rows[0][7], deliveries)
