"""The register's tables: written in the transaction that settles units, read by date.

In: settled units with their traffic. Out: `Sums` of a feed between two days, and facts about its traffic that other tables hold.
Everything here is a projection: the same units give the same rows, in whatever portions they came.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trivet.contracts.envelope import Receipt
from trivet.contracts.parcel import Parcel
from trivet.contracts.ports import Store, Tx
from trivet.contracts.traffic import Traffic
from trivet.data.interfaces.sums import KEPT, Sums, rank
from trivet.kernel import jsontext
from trivet.kernel.resources import text

__all__ = ["ALWAYS", "TABLES", "StoreRegister", "write"]

ALWAYS = ("0000-00-00", "9999-99-99")
TABLES = {
    "register_part": "source, format, day, type, part",
    "register_field": "source, format, day, part, field",
    "register_value": "source, format, day, field, rank, value",
}


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"register_{name}.sql")


def write(tx: Tx, outcomes: Sequence[tuple[Receipt, Parcel]]) -> None:
    """Add the traffic of settled units to the days on which they came (UTC)."""
    feeds: dict[tuple[str, str, str], list[Traffic]] = {}
    for receipt, parcel in outcomes:
        if parcel.traffic.seen:
            feeds.setdefault((receipt.source, receipt.format, receipt.received_at[:10]), []).append(parcel.traffic)
    for feed, units in sorted(feeds.items()):
        sums = Sums().take(units)
        tx.executemany(_sql("part_add"), [(*feed, *name, *row) for name, row in sorted(sums.parts.items())])
        tx.executemany(_sql("field_add"), [(*feed, *name, *row) for name, row in sorted(sums.fields.items())])
        lines = [(name, rank(value), value, elements) for name, values in sums.values.items() for value, elements in values.items()]
        if not lines:
            continue
        fresh = tx.execute(_sql("value_new"), (*feed, jsontext.dumps([line[:3] for line in lines]).decode("utf-8")))
        tx.executemany(_sql("value_add"), [(elements, *feed, *name) for *name, elements in lines])
        for field in sorted({row[0] for row in fresh}):
            given = {"source": feed[0], "format": feed[1], "day": feed[2], "field": field, "last": KEPT - 1}
            tx.execute(_sql("value_trim"), given)


class StoreRegister:
    """Reads the register of a home."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def formats(self, source: str) -> list[str]:
        """The formats in which a source ever delivered, most used first."""
        return [row[0] for row in self._store.read(_sql("formats"), (source,))]

    def sums(self, source: str, format: str, since: str, until: str) -> Sums:
        """What a feed carried from one day to another, both included."""
        given = {"source": source, "format": format, "since": since, "until": until}
        sums = Sums()
        for kind, part, *row in self._store.read(_sql("parts"), given):
            sums.part(kind, part, row)
        for part, name, *row in self._store.read(_sql("fields"), given):
            sums.fields[part, name] = row
        for name, value, elements in self._store.read(_sql("values"), given):
            sums.value(name, value, elements)
        return sums.trim()

    def hours(self, source: str, format: str, since: str, until: str) -> list[dict[str, Any]]:
        """Units and bytes by hour (UTC)."""
        names = ("hour", "units", "bytes", "mapped", "quarantined", "ignored", "partial")
        given = {"source": source, "format": format, "since": since, "until": until}
        return [dict(zip(names, row, strict=True)) for row in self._store.read(_sql("hours"), given)]

    def facts(self, source: str, format: str, since: str, until: str, expected: int = 0) -> dict[str, Any]:
        """Volumes by hour, silences, repeats, rejects, notices, and what the checks say about the feed's receipts.

        `silences` are those longer than `expected` seconds; None where nothing is expected.
        """
        given = {"source": source, "format": format, "since": since, "until": until}
        silent = self._store.read(_sql("silent"), {**given, "expected": expected})[0] if expected else None
        delivered, repeated = self._store.read(_sql("deliveries"), given)[0]
        return {
            "hours": self.hours(source, format, since, until),
            "expected": expected,
            "silences": None if silent is None else {"count": silent[0], "seconds_beyond": silent[1]},
            "gaps": [{"from": row[0], "to": row[1], "seconds": row[2]} for row in self._store.read(_sql("gaps"), given)],
            "delivered": delivered,
            "repeated": repeated,
            "rejects": self._store.read(_sql("rejects"), given),
            "notices": self._store.read(_sql("notices"), given),
            "checks": dict(self._store.read(_sql("late"), {"source": source})),
        }
