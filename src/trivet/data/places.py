"""Record versions that speak of no person: places, and what was counted about them. In, the store; out, Arrow, as of any position.

A feature of one person may need to know how full a ward is. These versions are few and never change, so they are kept in memory
and only what came since is read.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from trivet.contracts.ports import Store
from trivet.data.segments import arrow
from trivet.kernel.resources import text

if TYPE_CHECKING:
    import pyarrow

__all__ = ["PlaceVersions"]

COLUMNS = ("key", "type", "id", "version", "subject", "person", "valid_at", "known_seq", "receipt", "source", "deleted", "body")


class PlaceVersions:
    """Versions of Locations and of Observations about them, with the columns of `record_version`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._last = 0
        self._held: pyarrow.Table | None = None

    def versions(self, person: str | None = None, as_of: int | None = None) -> pyarrow.Table:
        """Everything known at a position (None: now). No person has any of them."""
        import pyarrow
        import pyarrow.compute

        with self._lock:
            rows = self._store.read(text("trivet.data", "sql", "statements", "record_places.sql"), (self._last,))
            if rows or self._held is None:
                fresh = arrow([row[1:] for row in rows], COLUMNS)
                self._held = fresh if self._held is None else pyarrow.concat_tables([self._held, fresh])
                self._last = rows[-1][0] if rows else self._last
            held = self._held
        if person is not None:
            return held.slice(0, 0)
        return held if as_of is None else held.filter(pyarrow.compute.less_equal(held["known_seq"], as_of))
