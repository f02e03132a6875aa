"""Carries what SQLite's journal holds over into the file, beside the writer's work and not inside its commits.

In: a store's file and a way to open it. Out: nothing; a journal that stays within bounds. By itself SQLite does this inside some
commit or other, which then takes a hundred times as long. Here a thread of its own does it (a PASSIVE checkpoint never makes the writer
wait). A journal is begun anew only when all of it was carried over while nobody wrote; so once it is longer than `MOST`, the
writer carries over the rest itself, before its next transaction: that is little, because the thread has just done the most of it.
Where the thread did not get to it, the writer does all of it as soon as the file is larger than `LARGEST`.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

__all__ = ["LARGEST", "Carrier"]

EVERY = 4_000  # rows written between two carryings
MOST = 8_192  # pages of 4 KiB in the journal before the writer helps
LARGEST = 64 * 2**20  # bytes of the journal; SQLite is told to cut it to half of that when it begins anew (journal_size_limit)
CARRY = "PRAGMA wal_checkpoint(PASSIVE)"


class Carrier:
    """One thread for one store, begun when there is something to carry. `before` and `after` are the writer's calls around a commit."""

    def __init__(self, path: Path, open: Callable[[], sqlite3.Connection]) -> None:
        self._path, self._open = path, open
        self._woken, self._ending = threading.Event(), False
        self.long = False  # is the journal to be begun anew before the next transaction?
        self._changes = 0
        self._thread: threading.Thread | None = None

    def before(self, writer: sqlite3.Connection) -> None:
        """Begin the journal anew when it is long: only between two transactions of the writer is that possible."""
        if self.long:
            self.long = False
            with contextlib.suppress(sqlite3.Error):
                writer.execute(CARRY).fetchall()

    def after(self, changes: int, size: int) -> None:
        """A commit is done; the writer has changed so many rows since it was opened, and the journal's file has this size."""
        self.long = self.long or size > LARGEST
        if changes - self._changes >= EVERY:
            self._changes = changes
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"journal-{self._path.name}", daemon=True)
                self._thread.start()
            self._woken.set()

    def close(self) -> None:
        """End the thread. What is left in the journal is carried over when the last connection closes."""
        self._ending = True
        self._woken.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while True:
            self._woken.wait()
            self._woken.clear()
            if self._ending:
                break
            with contextlib.suppress(Exception):  # a file that is full, held or gone: the next commit says so, and this tries again later
                connection = connection or self._open()
                _, pages, _ = connection.execute(CARRY).fetchone()
                self.long = pages > MOST
        if connection is not None:
            connection.close()
