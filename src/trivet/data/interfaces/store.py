"""The register's table: one row for each feed and day, written in the transaction that settles units, read by date.

In: settled units with their traffic. Out: `Sums` of a feed between two days, and facts about its traffic that other tables hold.
Everything here is a projection: the same units give the same rows, in whatever portions they came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from trivet.contracts.envelope import Receipt
from trivet.contracts.parcel import Parcel
from trivet.contracts.ports import Store, Tx
from trivet.contracts.traffic import NO_TRAFFIC, Traffic
from trivet.data.interfaces.sums import Sums
from trivet.kernel.resources import text

__all__ = ["ALWAYS", "TABLES", "StoreRegister", "gathered", "write"]

ALWAYS = ("0000-00-00", "9999-99-99")
TABLES = {"register_day": "source, format, day"}
Feed = tuple[str, str, str]  # source, format, day


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"register_{name}.sql")


def gathered(units: Iterable[tuple[Feed, Traffic]]) -> list[Traffic]:
    """The same traffic, added up by feed and day: the first unit of each carries the sums, the others nothing more."""
    feeds: dict[Feed, list[Traffic]] = {}
    first: list[Feed | None] = []
    for feed, traffic in units:
        known = feeds.get(feed)
        first.append(None if known or not traffic.seen else feed)
        if traffic.seen:
            feeds.setdefault(feed, []).append(traffic)
    return [NO_TRAFFIC if feed is None else NO_TRAFFIC._replace(sums=Sums().take(feeds[feed]).packed()) for feed in first]


def write(tx: Tx, outcomes: Sequence[tuple[Receipt, Parcel]]) -> None:
    """Add the traffic of settled units to the days on which they came (UTC)."""
    feeds: dict[Feed, list[Traffic]] = {}
    for receipt, parcel in outcomes:
        if parcel.traffic.seen or parcel.traffic.sums:
            feeds.setdefault((receipt.source, receipt.format, receipt.received_at[:10]), []).append(parcel.traffic)
    rows = []
    for feed, units in sorted(feeds.items()):
        packed: list[bytes | str] = [row[0] for row in tx.execute(_sql("day"), feed)]
        packed += [unit.sums for unit in units if unit.sums]
        lines = [unit for unit in units if unit.seen]
        if len(packed) > 1 or lines:
            sums = Sums()
            for one in packed:
                sums.add_packed(one)
            packed = [sums.take(lines).packed()]
        rows.append((*feed, packed[0] if isinstance(packed[0], str) else packed[0].decode("utf-8")))
    tx.executemany(_sql("day_put"), rows)


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
        for (packed,) in self._store.read(_sql("days"), given):
            sums.add_packed(packed)
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
