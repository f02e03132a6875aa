"""Messages that are acknowledged before they are landed: durable in the intake journal, landed together a moment later.

In: envelopes of doors, a few at a time. Out: yes, they are durable (one write and one sync, whatever landing costs); later their receipts,
all in one transaction that goes before any other work of the store and notes up to which slip it came. Refused: no, and then whoever asked
lands them himself: a message that is large or odd, a full journal, a store that is held or moved, another process that has the
journal. While what is acknowledged cannot be landed, nothing more is taken (`stuck`), and nothing may overtake it (`caught_up`).
After a crash whoever opens the home next lands what stands here; each slip once, because the note and the receipts are one commit.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

from trivet.contracts.envelope import Envelope
from trivet.contracts.ports import Landing, Tx
from trivet.data.engines.sqlite import SQLiteStore
from trivet.data.intake import slips
from trivet.data.intake.slips import SlipFile
from trivet.kernel import jsontext
from trivet.kernel.errors import Fault, Problem
from trivet.kernel.resources import text

__all__ = ["IntakeJournal", "through"]

_THROUGH, _LANDED = (text("trivet.data", "sql", "statements", f"intake_{name}.sql") for name in ("through", "landed"))
PATIENCE = 5.0  # seconds to wait for a process that lands what a crash left


class Owed(NamedTuple):
    """An envelope that is durable in the journal and not landed: its slip's number, the page where that stands."""

    number: int
    page: int
    envelope: Envelope


class IntakeJournal:
    """The journal of one home. `landing` gives who lands, `key` makes the key of a salt; neither is asked before there is need. One
    thread keeps; any may land."""

    def __init__(self, store: SQLiteStore, landing: Callable[[], Landing], path: Path, key: Callable[[bytes], bytes]) -> None:
        self.path = path
        self.told: list[Callable[[], None]] = []  # called when something was landed, in whatever thread
        self._store, self._landing = store, landing
        self._key = key
        self._lands: Landing | None = None
        self._file: SlipFile | None = None
        self._pen, self._lock = threading.Lock(), threading.Lock()
        self._owed: deque[Owed] = deque()
        self._next = 1
        self._denied = False  # another process had it, and did not let go
        self._broken = False  # the file failed or was moved: nothing more is written into it
        self._failure: BaseException | None = None  # why what is owed could not be landed
        self._under_way: Future[None] | None = None

    def open(self, patience: float = PATIENCE) -> bool:
        """Take the journal: land what a crash left, then be ready. False when another process has it, or no file can be made: then all
        goes the direct way. Raises Fault E619 when it is damaged, and what the store raises when it cannot be landed."""
        with self._pen:
            if self._file is not None:
                return True
            until = time.monotonic() + (0 if self._denied else patience)
            while (file := self._taken()) is None:
                if time.monotonic() > until:
                    self._denied = True  # the next door need not wait again
                    return False
                time.sleep(0.02)
            try:
                self._next = self._recover(file) + 1
                file.prepare()
            except OSError:
                file.close()
                return False
            except BaseException:
                file.close()
                raise
            self._file, self._lands = file, self._landing()
        self._store.debt = self
        return True

    def recover(self) -> int:
        """Land what a crash left, if nobody has the journal. Gives how many. Raises like `open`."""
        with self._pen:
            file = self._taken() if self._file is None and self.path.exists() else None
            if file is None:
                return 0
            try:
                before = through(self._store)
                last = self._recover(file)
                file.prepare()
                return last - before
            finally:
                file.close()

    def _taken(self) -> SlipFile | None:
        """The file, locked; None while another process has it, or where it cannot be."""
        try:
            file = SlipFile(self.path, self._key)
        except OSError:
            return None
        try:
            fcntl.flock(file.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        return file

    def _recover(self, file: SlipFile) -> int:
        """Land what stands there and is not landed. Gives the number of the last slip."""
        after = through(self._store)
        there, missed = slips.lined_up(slips.found(file.content(), after), after)
        for number in missed:
            raise slips.damaged(f"slip {number} is missing, and later ones are there", str(self.path))
        envelopes = [unpacked(slips.opened(slip, self._key)) for slip in there]
        if not envelopes:
            return after
        last = there[-1].number

        def work(tx: Tx) -> None:
            self._land(tx, envelopes)
            tx.execute(_LANDED, (last,))

        try:
            self._store.write(work)
        except (sqlite3.Error, ValueError) as error:
            raise self._unlanded(error) from error
        return last

    def keep(self, envelopes: Sequence[Envelope]) -> bool:
        """Make messages durable here. True: they may be acknowledged. False: nothing is known of them, land them."""
        file = self._file
        if file is None or self._broken or self._failure is not None:
            return False
        try:
            contents = [packed(envelope) for envelope in envelopes]
        except ValueError:  # text that is no Unicode
            return False
        if max(map(len, contents)) > slips.LARGEST or not self._store.free():
            return False
        with self._pen:
            with self._lock:
                wanted = self._owed[0].page if self._owed else None
            try:
                pages = file.write(self._next, contents, wanted)
                self._broken = not file.standing()
            except OSError:
                self._broken = True
            if self._broken or pages is None:
                return False
            with self._lock:
                self._owed += map(Owed, range(self._next, self._next + len(contents)), pages, envelopes)
            self._next += len(contents)
        return True

    @property
    def owed(self) -> int:
        """Messages that are acknowledged and not landed."""
        return len(self._owed)

    @property
    def stuck(self) -> bool:
        """Could what is owed not be landed?"""
        return self._failure is not None

    def land(self) -> None:
        """Have what is owed landed now: in this thread where that takes a moment only, else as soon as the store's writer comes to it."""
        if self._owed and (self._under_way is None or self._under_way.done()):
            with contextlib.suppress(Problem):
                self._under_way = self._store.submit(nothing, here=True)

    def caught_up(self) -> None:
        """Within a transaction: Fault E619 when acknowledged messages could not be landed in it, so that nothing overtakes them."""
        if self._failure is not None and self._owed:
            raise self._unlanded(self._failure)

    def _unlanded(self, error: BaseException) -> Fault:
        why = getattr(error, "code", type(error).__name__)
        return Fault("E619", "acknowledged messages cannot be landed", where=str(self.path), why=why, help="trivet fsck; trivet doctor")

    def _land(self, tx: Tx, envelopes: Sequence[Envelope]) -> None:
        self._lands = self._lands or self._landing()
        self._lands.land_each(tx, envelopes)

    def pay(self, tx: Tx) -> int:
        """Land what is owed, and note up to which slip. Slips that are landed already (the commit was, and nobody heard) are left out."""
        with self._lock:
            owed = list(self._owed)
        rows = tx.execute(_THROUGH)
        landed = rows[0][0] if rows else 0
        self._land(tx, [one.envelope for one in owed if one.number > landed])
        tx.execute(_LANDED, (max(landed, owed[-1].number),))
        self._failure = None
        return len(owed)

    def paid(self, count: int) -> None:
        """So many are landed."""
        with self._lock:
            for _ in range(count):
                self._owed.popleft()
        for tell in self.told:
            tell()

    def failed(self, error: BaseException) -> None:
        """They are not: until they are, nothing more is acknowledged."""
        self._failure = error

    def blank(self) -> None:
        """Take what was landed out of the file, when nothing else is to do."""
        with self._pen:
            if self._file is not None and not self._owed:
                with contextlib.suppress(OSError):
                    self._file.blank()

    def waiting(self) -> tuple[Counter[str], list[str]]:
        """What stands in the journal and is not landed, whoever has it: how many messages of each source, and what is wrong."""
        self._store.catch_up()
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return Counter(), []
        after, counts = through(self._store), Counter[str]()
        there = slips.found(data, after)
        whole, missed = slips.lined_up(there, after)
        if missed and self._held():
            missed = []  # it was written while we read, and whoever has it knows by heart what is owed
        wrong = [f"slip {number} is missing" for number in missed]
        for slip in there if missed else whole:
            try:
                counts[unpacked(slips.opened(slip, self._key)).source] += 1
            except Fault as fault:
                wrong.append(fault.why)
        return counts, wrong

    def _held(self) -> bool:
        """Does anybody have the journal, this process or another one?"""
        with contextlib.suppress(OSError), self.path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def scrub(self) -> None:
        """Make sure that what was landed is gone from the disk too."""
        self.blank()
        with contextlib.suppress(FileNotFoundError), self.path.open("rb+") as file:
            os.fsync(file.fileno())

    def close(self) -> None:
        """Land what is owed, leave the file empty, let go. What cannot be landed stays there for whoever opens the home next."""
        if self._file is None:
            return
        if self._owed:
            with contextlib.suppress(Problem):
                self._store.write(nothing)
        self._store.debt = None
        with self._pen:
            file, self._file = self._file, None
            with contextlib.suppress(OSError):
                if not self._owed and not self._broken:
                    file.blank()
            file.close()


def through(store: SQLiteStore) -> int:
    """The number of the last slip that is landed."""
    rows = store.read(_THROUGH)
    return rows[0][0] if rows else 0


def packed(envelope: Envelope) -> bytes:
    """A message with what its door knows of it."""
    if envelope.pieces or envelope.context:
        raise ValueError("not a message of its own")
    words = jsontext.dumps([envelope.source, envelope.format, envelope.received_at, envelope.origin])
    return len(words).to_bytes(4, "big") + words + envelope.raw


def unpacked(content: bytes) -> Envelope:
    """The same, back."""
    end = 4 + int.from_bytes(content[:4], "big")
    source, form, received_at, origin = jsontext.loads(content[4:end])
    return Envelope(content[end:], source, form, received_at, origin)


def nothing(tx: Any) -> None:
    """Work that does nothing: what is owed is landed before it."""
