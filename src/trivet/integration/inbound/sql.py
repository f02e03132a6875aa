"""One table of any SQL database, polled through SQLAlchemy: by a watermark column, or whole, row by row, by what each row says.

In: a database, a table, a bookmark. Out: hauls of rows, each with its header. Everything of a poll is read in one transaction, whose own
count and sums must be those of the rows that came. Rows that are gone are taken back. Columns that come, go or change their type are an
event; where the key or the watermark is among them, a fault. Passwords come from a file that only its owner may read.
"""

from __future__ import annotations

import datetime as dates
import os
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError

from trivet.contracts.source import Event, Haul, Memory, Message, Setting, Wire
from trivet.integration.inbound.rows import drift, shown, unit, withdrawn
from trivet.kernel.errors import Fault, Locked, Problem, Usage

__all__ = ["SqlTable"]

ROWS, BYTES = 500, 4 << 20  # of one haul
Marked = tuple[str, str, int]


class SqlTable:
    """`contracts.source.Source` for `sql+DIALECT://...`, a SQLAlchemy URL behind `sql+`, without a password."""

    settings: ClassVar[Mapping[str, Setting]] = {
        "table": Setting("text", None, "the table or view"),
        "schema": Setting("text", "", "its schema"),
        "columns": Setting("names", (), "the columns that are read; all, if not given"),
        "key": Setting("names", (), "the columns that name a row; the primary key, if not given"),
        "mode": Setting("text", "hash", "`hash`: every row is read and compared; `watermark`: only rows from the last watermark on"),
        "watermark": Setting("text", "", "the column that grows with every change"),
        "overlap": Setting(
            "span", 0, "how far behind the last watermark a poll begins, where it is an instant: for transactions that end late"
        ),
        "deletions": Setting("flag", True, "notice rows that are gone: the keys of the whole table are read"),
        "most_gone": Setting("whole", 20, "percent of the known rows that may be gone at once; beyond it, and beyond 100 rows, a fault"),
        "sums": Setting("names", (), "numeric columns whose sums must be the database's own"),
        "password_file": Setting("text", "", "file with the password, under the home"),
    }

    def __init__(self, wire: Wire) -> None:
        self.wire, self.asked = wire, wire.settings
        if self.asked["mode"] not in ("hash", "watermark") or (self.asked["mode"] == "watermark") != bool(self.asked["watermark"]):
            raise Usage(
                "E860", "a table is read by `hash`, or by `watermark` with its column", help='mode = "watermark", watermark = "updated_at"'
            )
        try:
            self.url = sa.make_url(wire.door.removeprefix("sql+"))
        except SQLAlchemyError:
            raise Usage("E820", "the door of a source is not an address", why="expected sql+DIALECT://...", help="trivet doctor") from None
        if self.url.password:
            raise Usage("E820", "the door of a source holds more than an address", why="no password in settings", help="password_file")
        self.about = ".".join(filter(None, (self.asked["schema"], self.asked["table"])))

    def _engine(self) -> sa.Engine:
        url = self.url
        if self.asked["password_file"]:
            path = Path(self.wire.home) / self.asked["password_file"]
            if not path.is_file() or (os.name == "posix" and path.stat().st_mode & 0o077):
                raise Fault("E833", "others may read a password, or it is not there", where=str(path), help=f"chmod 600 {path}")
            url = url.set(password=path.read_text(encoding="utf-8").strip())
        try:
            return sa.create_engine(url, poolclass=sa.pool.NullPool)
        except (ImportError, SQLAlchemyError):
            raise Usage("E851", f"no driver for {url.drivername}", help="pip install trivet[postgres], or the dialect's driver") from None

    def probe(self) -> str:
        """The table's columns."""
        with self._connected() as connection:
            return f"{self.about}: {len(self._columns(connection))} columns, {connection.dialect.name}"

    def _connected(self) -> _Session:
        return _Session(self._engine(), self.about)

    def _columns(self, connection: sa.Connection) -> dict[str, str]:
        """Names and types, in the table's order."""
        try:
            found = sa.inspect(connection).get_columns(self.asked["table"], schema=self.asked["schema"] or None)
        except NoSuchTableError:
            raise Fault("E861", "the table has not what is read from it", where=self.about, why="there is no such table") from None
        return {one["name"]: str(one["type"]) for one in found if not self.asked["columns"] or one["name"] in self.asked["columns"]}

    def _key(self, connection: sa.Connection, columns: Mapping[str, str]) -> list[str]:
        key = list(self.asked["key"])
        if not key:
            key = list(
                sa.inspect(connection).get_pk_constraint(self.asked["table"], schema=self.asked["schema"] or None)["constrained_columns"]
            )
        counts = self.asked["mode"] == "hash" or self.asked["deletions"]
        wanted = [*key, *filter(None, (self.asked["watermark"],)), *self.asked["sums"], *self.asked["columns"]]
        missing = sorted({name for name in wanted if name not in columns})
        if missing or (counts and not key):
            why = "missing: " + ", ".join(missing) if missing else "nothing names a row"
            raise Fault("E861", "the table has not what is read from it", where=self.about, why=why, help='key = ["id"]')
        return key

    def pull(self, memory: Memory) -> Iterator[Haul]:
        """What is new, what changed, what is gone."""
        state = memory.bookmark()
        with self._connected() as connection:
            columns = self._columns(connection)
            events = drift(state.get("columns", {}), columns, self.about)
            state["columns"] = columns
            if events:
                yield Haul(events=events, bookmark=deepcopy(state))
            key = self._key(connection, columns)
            table = sa.table(self.asked["table"], *map(sa.column, columns), schema=self.asked["schema"] or None)
            scan = Scan(self, memory, table, list(columns), key)
            yield from scan.changes(connection, state)
            if key and self.asked["deletions"]:
                yield from scan.gone(connection)
            words = {"about": self.about, "rows": str(scan.rows), "sums": ",".join(self.asked["sums"])}
            yield Haul(events=(Event("reconciled", words),) if scan.landed else (), bookmark=deepcopy(state))


class _Session:
    """A connection in one read-only snapshot, where the database has such a thing; whatever goes wrong is told without its text."""

    def __init__(self, engine: sa.Engine, about: str) -> None:
        self.engine, self.about = engine, about

    def __enter__(self) -> sa.Connection:
        try:
            self.connection = self.engine.connect()
            if self.engine.dialect.name == "sqlite":
                self.connection = self.connection.execution_options(isolation_level="AUTOCOMMIT")
                self.connection.exec_driver_sql("BEGIN")
            elif self.engine.dialect.name in ("postgresql", "mysql", "mariadb"):
                self.connection = self.connection.execution_options(isolation_level="REPEATABLE READ")
        except (SQLAlchemyError, OSError) as error:
            raise self._told(error) from None
        return self.connection

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if self.engine.dialect.name == "sqlite":
                self.connection.exec_driver_sql("ROLLBACK")
            self.connection.close()
        except SQLAlchemyError:
            pass
        self.engine.dispose()
        if isinstance(error, SQLAlchemyError):
            raise self._told(error) from None

    def _told(self, error: BaseException) -> Problem:
        """A driver's text can hold values: only its class is told."""
        cause = getattr(error, "orig", None) or error
        return Locked("E863", "the database does not answer", where=self.about, why=type(cause).__name__, help="trivet doctor")


class Scan:
    """One reading of one table."""

    def __init__(self, source: SqlTable, memory: Memory, table: Any, columns: list[str], key: list[str]) -> None:
        self.asked, self.about, self.memory = source.asked, source.about, memory
        self.table, self.columns, self.key = table, columns, key
        self.places = [columns.index(name) for name in key]
        self.counted = bool(key) and (self.asked["mode"] == "hash" or self.asked["deletions"])
        self.rows, self.landed = 0, 0
        self.sums: dict[str, Any] = dict.fromkeys(self.asked["sums"], 0)
        self.seen: list[np.ndarray[Any, Any]] = []

    def where(self, state: dict[str, Any]) -> Any:
        """Rows from the watermark on, and those that have none: they would never come otherwise."""
        last = thawed(state.get("watermark"))
        if self.asked["mode"] == "hash" or last is None:
            return sa.true()
        if isinstance(last, (dates.datetime, dates.date)):
            last -= dates.timedelta(seconds=self.asked["overlap"])
        column = self.table.c[self.asked["watermark"]]
        return sa.or_(column >= last, column.is_(None))

    def changes(self, connection: sa.Connection, state: dict[str, Any]) -> Iterator[Haul]:
        """Rows that are new or say something else, in portions; the watermark moves with each."""
        where = self.where(state)
        mark = self.asked["watermark"]
        told = [sa.func.count(), *(sa.func.sum(self.table.c[name]) for name in self.asked["sums"])]
        count, *sums = connection.execute(sa.select(*told).select_from(self.table).where(where)).one()
        order = [self.table.c[name] for name in ([mark] if mark else []) + self.key]
        asked = sa.select(*(self.table.c[name] for name in self.columns)).where(where).order_by(*order)
        streamed = connection.execution_options(stream_results=True, max_row_buffer=ROWS).execute(asked)
        place = self.columns.index(mark) if mark else -1
        for rows in streamed.partitions(ROWS):
            values = [tuple(row) for row in rows]
            self.rows += len(values)
            for name in self.sums:
                held = [row[self.columns.index(name)] for row in values]
                self.sums[name] += sum(one for one in held if one is not None)
            newest = next((row[place] for row in reversed(values) if row[place] is not None), None) if mark else None
            if newest is not None and self._later(newest, thawed(state.get("watermark"))):
                state["watermark"] = frozen(newest)
            messages = self._messages(values)
            self.landed += len(messages)
            yield Haul(messages=messages, bookmark=deepcopy(state))
        wrong = [name for name, whole in zip(self.sums, sums, strict=True) if not same(self.sums[name], whole or 0)]
        if count != self.rows or wrong:
            why = f"the database counts {count} rows, {self.rows} came" + "".join(f"; the sums of {name} differ" for name in wrong)
            raise Fault("E862", "what came is not what the database has", where=self.about, why=why, help="trivet poll")

    def _absent(self, name: str, here: np.ndarray[Any, Any]) -> bool:
        """Is the row of this name no longer there?"""
        prefix = np.uint64(int(name[:16], 16))
        at = int(np.searchsorted(here, prefix))
        return at == len(here) or bool(here[at] != prefix)

    def _later(self, newest: Any, last: Any) -> bool:
        return last is None or newest >= last

    def _messages(self, values: Sequence[tuple[Any, ...]]) -> list[Message]:
        """The units of those rows that are news."""
        origin = f"sql:{self.about}"
        texts = [[shown(value) for value in row] for row in values]
        if not self.counted:
            return [Message(raw, "csv", origin, (), context) for raw, context in (unit(self.columns, cells) for cells in texts)]
        marked: dict[str, Marked] = {}
        names = [self.memory.name("\x1f".join([self.about, *(cells[place] for place in self.places)])) for cells in texts]
        known = self.memory.known(names)
        if self.asked["mode"] == "hash":
            self.seen.append(prefixes(names))
        messages = []
        for name, cells in zip(names, texts, strict=True):
            mark = self.memory.name("\x1f".join((*self.columns, *cells)))
            before, _, changes = known.get(name, ("", 0, 0))
            if name in marked:
                raise Fault(
                    "E861", "the table has not what is read from it", where=self.about, why="two rows have the same key", help="key"
                )
            marked[name] = (mark, "", changes)
            if before != mark:
                raw, context = unit(self.columns, cells, changes + 1)
                messages.append(Message(raw, "csv", origin, (), context, name, mark))
        return messages

    def gone(self, connection: sa.Connection) -> Iterator[Haul]:
        """Rows that were landed and are no more, taken back one by one."""
        if self.asked["mode"] == "watermark":
            asked = sa.select(*(self.table.c[name] for name in self.key))
            streamed = connection.execution_options(stream_results=True, max_row_buffer=ROWS).execute(asked)
            for rows in streamed.partitions(ROWS):
                self.seen.append(prefixes([self.memory.name("\x1f".join([self.about, *map(shown, row)])) for row in rows]))
        every = np.concatenate(self.seen) if self.seen else np.zeros(0, np.uint64)
        here = np.unique(every)
        if len(here) != len(every):
            raise Fault("E861", "the table has not what is read from it", where=self.about, why="two rows have the same key", help="key")
        known, absent = 0, 0
        for name, _ in self.memory.names():
            known, absent = known + 1, absent + self._absent(name, here)
        if absent > max(100, known * self.asked["most_gone"] / 100):
            why = f"{absent} of {known} rows: a table that is being loaded anew looks like this"
            raise Fault(
                "E867", "too many rows are gone at once", where=self.about, why=why, help="most_gone = 100, for one poll, if they are"
            )
        messages: list[Message] = []
        lost: list[str] = []
        for name, receipt in self.memory.names():
            if not self._absent(name, here):
                continue
            raw = self.memory.raw(receipt)
            messages += [Message(withdrawn(raw), "csv", f"sql:{self.about}")] if raw is not None else []
            lost.append(name)
            if len(lost) >= ROWS:
                yield Haul(messages=messages, gone=lost)
                messages, lost = [], []
            self.landed += 1
        if lost:
            yield Haul(messages=messages, gone=lost)


def prefixes(names: Sequence[str]) -> np.ndarray[Any, Any]:
    """The first eight bytes of names: enough to know which are still there, and eight bytes for each."""
    return np.array([int(name[:16], 16) for name in names], np.uint64)


def same(ours: Any, theirs: Any) -> bool:
    """Equal, to the last digit where the numbers are exact."""
    if isinstance(ours, float) or isinstance(theirs, float):
        return abs(float(ours) - float(theirs)) <= 1e-9 * max(1.0, abs(float(theirs)))
    return Decimal(str(ours)) == Decimal(str(theirs))


def frozen(value: Any) -> list[str]:
    """A watermark as its kind and its text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str, dates.datetime, dates.date)):
        raise Fault("E861", "the table has not what is read from it", why="the watermark is no number, text or instant", help="watermark")
    kind = "datetime" if isinstance(value, dates.datetime) else "date" if isinstance(value, dates.date) else type(value).__name__
    return [kind, shown(value)]


def thawed(kept: Any) -> Any:
    """The watermark again."""
    if kept is None:
        return None
    kinds: dict[str, Any] = {"int": int, "float": float, "Decimal": Decimal, "str": str}
    kinds |= {"datetime": dates.datetime.fromisoformat, "date": dates.date.fromisoformat}
    return kinds[kept[0]](kept[1])
