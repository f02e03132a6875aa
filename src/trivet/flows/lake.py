"""The shelf published as an Iceberg table, and the two independent proofs of what was known: a pinned snapshot and a query as of then.

In: a house. Out: snapshots and holds as plain data. Refused: what the table refuses; a snapshot that says something else than the
query is told, never put right here.
"""

from __future__ import annotations

from typing import Any

from trivet.contracts.engine import Reading
from trivet.contracts.house import House
from trivet.kernel.digest import digest

__all__ = ["prove", "publish"]


def publish(house: House) -> dict[str, Any]:
    """Append what was shelved since, up to the horizon: at or before it nothing can become known any more."""
    told: dict[str, Any] = house.role("lake").publish(house.landing.horizon())
    return told


def prove(house: House, name: str, as_of: int | None = None, engine: Reading | None = None) -> dict[str, Any]:
    """Digests over every record version known at a position: in the pinned snapshot (by DuckDB or the engine that is given, out of Parquet)
    and in the store as of then. `as_of` defaults to the position up to which the snapshot is everything; a later one is the reader's to
    compare."""
    lake = house.role("lake")
    position = lake.known(name) if as_of is None else as_of
    names = ("key", "version", "subject", "valid_at", "known_seq", "receipt", "deleted", "body")
    pinned = [[row[column] for column in names] for row in lake.versions(name, position, engine).to_pylist()]
    asked = house.role("segments").known(position)
    queried = [[row[column] for column in names] for row in asked.to_pylist()]
    one, two = digest(pinned), digest(queried)
    return {"as_of": position, "versions": len(pinned), "pinned": one, "as_of_query": two, "equal": one == two}
