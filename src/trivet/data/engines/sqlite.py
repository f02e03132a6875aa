"""SQLite as the operational store: one writer at a time, group commit, durable before anything is said.

In: pieces of work from any thread. Out: futures that resolve only after the commit that holds them has reached the disk
(WAL with synchronous=FULL). What waits is committed together by the writer thread, in the order in which it was handed over; where
nothing waits, whoever writes commits in its own thread, which saves two changes of thread (an event loop too, as long as that takes a
moment only). The journal is carried over into the file beside the work (`journal.Carrier`), so that no commit has to wait for it.
Several processes may open the same file:
`BEGIN IMMEDIATE` and a busy timeout take turns.
What was promised before it stood here (`Debt`: the intake journal) goes first into the next transaction, whoever begins it, and
readers wait for that a moment.
Refused: work after `close`, work in a forked child, and waiting for the store from inside the store.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from trivet.data.engines.debt import Debt
from trivet.data.engines.journal import LARGEST, Carrier
from trivet.kernel.errors import Fault, Locked, Problem

__all__ = ["SQLiteStore", "SQLiteTx"]

T = TypeVar("T")
Row = tuple[Any, ...]

PAGE = 10_000  # rows that `pages` gives at a time
PIECES = 1_000  # most pieces of work in one commit
WORKING_FOR = 0.010  # seconds after which a commit takes in no more pieces
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "wal_autocheckpoint=0",
    f"journal_size_limit={LARGEST // 2}",
    "cache_size=-16384",
)
BUSY_FOR = 30.0  # seconds to wait for another process before saying Locked
QUICK = 0.005  # seconds a commit takes, smoothed, up to which a thread that must not stand still (an event loop's) commits by itself
CATCH_UP = 1.0  # seconds that a reader waits at most for what is promised to be there


class SQLiteTx:
    """The open transaction as a piece of work sees it."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """Run one statement, give all its rows."""
        return self._connection.execute(sql, parameters).fetchall()

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement once for each row of parameters."""
        self._connection.executemany(sql, rows)


class Piece:
    """Work that waits for its turn, and later its outcome, which is told only after the commit.

    Whoever waits here holds a plain lock, which is several times cheaper than a future; `submit` hands out a future.
    """

    __slots__ = ("done", "error", "future", "result", "work")

    def __init__(self, work: Callable[[Any], Any], future: Future[Any] | None) -> None:
        self.work = work
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()

    def begin(self) -> bool:
        """False when whoever asked has cancelled it meanwhile."""
        return self.future is None or self.future.set_running_or_notify_cancel()

    def tell(self) -> None:
        """Say what came of it."""
        self.done.release()
        if self.future is None or self.future.cancelled():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class SQLiteStore:
    """`contracts.ports.Store` on one SQLite file. `schema` statements (one each, repeatable) are applied on opening.

    Raises Locked when another process holds the file longer than the busy timeout, Fault when the disk fails.
    """

    def __init__(self, path: Path, schema: Sequence[str] = (), *, busy_for: float = BUSY_FOR) -> None:
        self.path = path
        self._busy_for = busy_for
        self._pid = os.getpid()
        self._queue: SimpleQueue[Piece | None] = SimpleQueue()
        self._readers: deque[sqlite3.Connection] = deque()
        self._watcher: sqlite3.Connection | None = None  # reads nothing but whether others committed
        self._gate = threading.Lock()
        self._turn = threading.Lock()  # whoever holds it may use the writer
        self._working = 0  # the thread that does
        self._handed = 0  # pieces in the queue or in the writer thread's hands
        self._pace = 0.0  # seconds a commit takes, smoothed
        self._patient = True  # does the writer wait for other processes?
        self._asking = False  # does whoever uses the writer wait for the write lock?
        self.debt: Debt | None = None
        self._closed = False
        create_private(path)
        self._writer = self._open()
        self._tx = SQLiteTx(self._writer)
        self._apply(schema)
        self._carrier = Carrier(path, self._open)
        self._place = self._standing()[0]
        self._thread = threading.Thread(target=self._run, name=f"store-{path.name}", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Any], T], *, here: bool = False) -> Future[T]:
        """Hand over a piece of work; its future resolves after the durable commit.

        `here`: commit in the caller's thread, before this returns, where that takes a moment only: nothing waits, nobody holds the
        store, the disk is quick. For an event loop, to which two changes of thread are dearer than a short commit.
        """
        future: Future[T] = Future()
        piece = Piece(work, future)
        if self._hand_over(piece, here and self._pace < QUICK and not self._carrier.long):
            try:
                done = self._commit_from(piece, alone=True, patient=False)
            finally:
                self._turn.release()
            if done:
                piece.tell()
            else:
                self._hand_over(piece, False)
        return future

    def write(self, work: Callable[[Any], T]) -> T:
        """`submit` and wait. Never to be called from inside a piece of work: that would wait for itself."""
        if threading.get_ident() == self._working:
            raise Fault("E612", "a piece of work waits for its own store", where=str(self.path), why="use the transaction it was given")
        piece = Piece(work, None)
        if self._hand_over(piece, True):
            try:
                self._commit_from(piece, alone=True)
            finally:
                self._turn.release()
        else:
            piece.done.acquire()
        if piece.error is not None:
            raise piece.error
        result: T = piece.result
        return result

    def _hand_over(self, piece: Piece, here: bool) -> bool:
        """Queue a piece. True when it was not, because the caller may commit it `here`: nothing waits, so nothing is overtaken."""
        if os.getpid() != self._pid:
            raise Fault("E610", "a store does not survive a fork", where=str(self.path), help="open the home again in the new process")
        with self._gate:
            if self._closed:
                raise Fault("E611", "the store is closed", where=str(self.path))
            if here and not self._handed and self._turn.acquire(blocking=False):
                return True
            self._handed += 1
            self._queue.put(piece)
            return False

    def free(self) -> bool:
        """Is the store well, and nobody else's: could what is promised now be kept at once? Asked in a moment, without waiting.

        True while a transaction of our own is under way, because then no other process has the lock, and for a moment after one.
        """
        with self._gate:
            if self._closed or os.getpid() != self._pid:
                return False
            mine = self._turn.acquire(blocking=False)
        try:
            if mine:
                self._begin(patient=False)
                self._writer.execute("ROLLBACK")
            there = os.stat(self.path)
            return (mine or not self._asking) and (there.st_dev, there.st_ino) == self._place[:2]
        except (sqlite3.Error, OSError):
            return False
        finally:
            if mine:
                self._turn.release()

    def catch_up(self) -> None:
        """Pay what is owed, so that whoever reads next sees it. A store that is held or broken is read as it stands."""
        debt = self.debt
        if debt is None or not debt.owed or debt.stuck or threading.get_ident() == self._working:
            return
        with contextlib.suppress(Problem, TimeoutError):
            self.submit(_nothing, here=True).exception(CATCH_UP)

    def read(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """Rows of what is committed, through a connection that cannot write."""
        connection = self._reader()
        try:
            rows = connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            connection.close()
            raise problem(error, self.path) if busy(error) else error from None
        self._readers.append(connection)
        return rows

    def pages(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = (), size: int = PAGE) -> Iterator[list[Row]]:
        """The same, at most `size` rows at a time: all pages show the state at the first one."""
        connection = self._reader()
        try:
            cursor = connection.execute(sql, parameters)
            while page := cursor.fetchmany(size):
                yield page
        except sqlite3.Error as error:
            raise problem(error, self.path) if busy(error) else error from None
        finally:
            connection.close()

    def version(self) -> int:
        """A number that is the same as before if and only if nothing was committed since (SQLite: PRAGMA data_version)."""
        self.catch_up()
        with self._gate:
            if self._closed:
                raise Fault("E611", "the store is closed", where=str(self.path))
            try:
                self._watcher = self._watcher or self._open()
                number: int = self._watcher.execute("PRAGMA data_version").fetchone()[0]
            except sqlite3.Error as error:
                raise problem(error, self.path) from None
            return number

    def _reader(self) -> sqlite3.Connection:
        """A connection that cannot write."""
        if self._closed:
            raise Fault("E611", "the store is closed", where=str(self.path))
        self.catch_up()
        try:
            return self._readers.pop()
        except IndexError:
            connection = self._open()
            connection.execute("PRAGMA query_only=ON")
            return connection

    def scrub(self) -> None:
        """Empty the journal, so that nothing deleted lingers there. Raises Locked when readers never let go."""
        for _ in range(100):
            if self.read("PRAGMA wal_checkpoint(TRUNCATE)")[0][0] == 0:
                return
            time.sleep(0.05)
        raise Locked("E617", "the journal could not be emptied", where=str(self.path), why="a reader holds it", help="try again")

    def close(self) -> None:
        """Finish what was handed over, then close. Twice is once."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()
        self._carrier.close()
        with self._turn:
            self._writer.close()
        while self._readers:
            self._readers.pop().close()
        if self._watcher is not None:
            self._watcher.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=self._busy_for, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        for pragma in PRAGMAS:
            try:
                connection.execute(f"PRAGMA {pragma}")
            except sqlite3.Error as error:
                connection.close()
                raise problem(error, self.path) from None
        return connection

    def _apply(self, schema: Sequence[str]) -> None:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for statement in schema:
                self._writer.execute(statement)
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            self._writer.close()
            raise problem(error, self.path) from None

    def _run(self) -> None:
        """The writer thread: one transaction after another until the end is queued."""
        while (first := self._queue.get()) is not None:
            with self._turn:
                self._commit_from(first)

    def _commit_from(self, first: Piece, *, alone: bool = False, patient: bool = True) -> bool:
        """One transaction: `first` and, unless it stands `alone` (then its caller tells it), all that waits behind it.

        False when nothing was done, because another process holds the store and the caller is not `patient`.
        """
        pieces, count = [first], 0
        self._asking, self._working = True, threading.get_ident()
        try:
            self._carrier.before(self._writer)
            self._begin(patient)
            self._asking = False
            count = self._pay()
            until = time.monotonic() + WORKING_FOR
            alive = self._do(first, first=not count)
            while alive and not alone and len(pieces) < PIECES and time.monotonic() < until:
                piece = self._next()
                if piece is None:
                    break
                pieces.append(piece)
                alive = self._do(piece)
            failure = self._commit()
        except sqlite3.Error as error:
            if not patient and busy(error):
                return False
            pieces += [] if alone else self._waiting()
            failure = problem(error, self.path)
        finally:
            self._abandon()  # whatever broke, no transaction stays open
            self._asking, self._working = False, 0
        if count and self.debt is not None:
            self.debt.paid(count) if failure is None else self.debt.failed(failure)
        if not alone:
            with self._gate:
                self._handed -= len(pieces)
        for piece in pieces:
            if failure is not None and (piece.error is None or isinstance(piece.error, sqlite3.Error)):
                piece.error = failure
            if not alone:
                piece.tell()
        return True

    def _begin(self, patient: bool) -> None:
        """Open the transaction, waiting for other processes or not."""
        if patient != self._patient:
            self._writer.execute(f"PRAGMA busy_timeout={int(self._busy_for * 1000) if patient else 0}").fetchall()
            self._patient = patient
        self._writer.execute("BEGIN IMMEDIATE")

    def _pay(self) -> int:
        """What is owed goes first. Where that fails, the transaction begins anew without it: other work need not wait for it."""
        debt = self.debt
        if debt is None or not debt.owed:
            return 0
        try:
            return debt.pay(self._tx)
        except BaseException as error:  # it belongs to the debt, and is told there
            debt.failed(problem(error, self.path) if isinstance(error, sqlite3.Error) else error)
            self._abandon()
            self._begin(self._patient)
            return 0

    def _next(self) -> Piece | None:
        """What waits first; None when nothing does. The end stays in the queue, for the writer thread."""
        try:
            piece = self._queue.get_nowait()
        except Empty:
            return None
        if piece is None:
            self._queue.put(None)
        return piece

    def _do(self, piece: Piece, *, first: bool = False) -> bool:
        """Run one piece, in its own savepoint unless it is the first. False when SQLite gave up the whole transaction."""
        if not piece.begin():
            return True
        try:
            if first:
                piece.result = piece.work(self._tx)
            else:
                self._writer.execute("SAVEPOINT piece")
                piece.result = piece.work(self._tx)
                if self._writer.in_transaction:
                    self._writer.execute("RELEASE piece")
        except BaseException as error:  # it belongs to whoever handed the piece over, and is told there
            piece.error = error
            self._undo(first)
        return self._writer.in_transaction

    def _undo(self, first: bool) -> None:
        """Take back one piece: of the first, the transaction, begun again; where that fails, it is given up."""
        try:
            if self._writer.in_transaction and first:
                self._writer.execute("ROLLBACK")
                self._writer.execute("BEGIN IMMEDIATE")
            elif self._writer.in_transaction:
                self._writer.execute("ROLLBACK TO piece")
                self._writer.execute("RELEASE piece")
        except sqlite3.Error:
            self._abandon()

    def _abandon(self) -> None:
        """Give up the transaction; SQLite itself rolls back what it cannot."""
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except sqlite3.Error:
            return

    def _commit(self) -> Problem | None:
        """Commit; what went wrong, to be told to everybody whose piece was in it."""
        if not self._writer.in_transaction:
            return Fault(
                "E613", "the transaction was lost", where=str(self.path), why="disk full or input/output error", help="trivet doctor"
            )
        began = time.monotonic()
        try:
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            return problem(error, self.path)
        self._pace += (time.monotonic() - began - self._pace) / 8
        standing, size = self._standing()
        self._place = self._place or standing  # a store without tables has no journal before its first commit
        if not standing or standing != self._place:
            return Fault(
                "E618", "the store's file was moved or removed", where=str(self.path), why="another file stands there, or none",
                help="stop trivet; put home.db and home.db-wal back together, or restore them",
            )  # fmt: skip
        self._carrier.after(self._writer.total_changes, size)
        return None

    def _standing(self) -> tuple[tuple[int, ...], int]:
        """Which files stand under the store's name and its journal's (SQLite would go on writing into a file that somebody moved), and
        how large the journal is."""
        try:
            file, journal = os.stat(self.path), os.stat(f"{self.path}-wal")
        except OSError:
            return (), 0
        return (file.st_dev, file.st_ino, journal.st_dev, journal.st_ino), journal.st_size

    def _waiting(self) -> Iterator[Piece]:
        """Everything queued right now."""
        while (piece := self._next()) is not None:
            yield piece


def _nothing(tx: SQLiteTx) -> None:
    """Work that does nothing: what is owed is paid before it."""


def create_private(path: Path) -> None:
    """Make the file if it is not there, readable by its owner only, and make its name durable."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except OSError as error:
        raise Fault("E614", "the store's file cannot be made", where=str(path), why=error.strerror or "", help="trivet doctor") from None


def busy(error: sqlite3.Error) -> bool:
    """Did somebody else hold the file?"""
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def problem(error: sqlite3.Error, path: Path) -> Problem:
    """The house's error for a failed transaction: Locked when somebody else held the file, Fault otherwise."""
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    if busy(error):
        return Locked("E615", "the store is held by another process", where=str(path), why=name, help="try again; trivet doctor")
    return Fault("E616", "the store could not commit, nothing was kept", where=str(path), why=f"{name}: {error}", help="trivet doctor")
