"""Read-only SQL over everything that is published, as of any ledger position.

In: one SELECT. Out: column names and rows. Refused: statements that write, reach files, or load anything; more than one.
Relations are read from the store when a query names them: record versions out of Parquet, everything else out of tables, page by
page; a table too large to be held goes through the query as a stream. What one query read stays in place for the next ones until
something is committed. What does not fit into the engine's memory is spilt to the shelves' folder for the time of the query.
Each relation is one file in `sql/relations`; its first line gives the columns and their types.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trivet.contracts.ports import Store
from trivet.data.segments import COLUMNS, Segments
from trivet.kernel.errors import Fault
from trivet.kernel.resources import text

if TYPE_CHECKING:
    import pyarrow

    from trivet.data.access.lens import Lens, View

__all__ = ["Query", "columns_of"]

WORD = re.compile(r"[a-z_][a-z_0-9]*", re.I)
HEADER = re.compile(r"-- columns: (.+)")
EVERYTHING = 2**62
HELD = 20  # pages of a relation that are held; a longer one is streamed anew by each query
FEW = 100  # ledger entries looked at before it is asked whether that is enough
PEOPLE = ("person", "other_person", "candidate")


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"{name}.sql")


class Query:
    """Answers queries over one home. `relations` are SQL texts by name; `given` are relations that stand in no table (settings)."""

    def __init__(
        self, store: Store, segments: Segments, folder: Path, relations: Mapping[str, str], given: Mapping[str, Callable[[], pyarrow.Table]]
    ) -> None:
        self._store, self._segments, self._folder = store, segments, folder
        self._relations, self._given = relations, given
        self._lock = threading.RLock()
        self._engine: Any = None
        self._bench: Any = None
        self._placed: dict[str, int] = {}  # what stands in `_engine`, as of which position
        self._placed_at = -1  # the store's version when it was read

    def ask(self, sql: str, as_of: int | None = None, parameters: Sequence[Any] = ()) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Columns and rows of one SELECT. Usage when it is not understood or not allowed."""
        table = self.arrow(sql, as_of, parameters)
        return table.column_names, list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def arrow(self, sql: str, as_of: int | None = None, parameters: Sequence[Any] = ()) -> pyarrow.Table:
        """The same as an Arrow table."""
        with self._lock:
            self._engine = self._engine or self._open()
            version = self._store.version()  # before anything is read: what is committed meanwhile is then read again
            if version != self._placed_at:
                self._placed, self._placed_at = {}, version
            self._prepare(self._engine, sql, EVERYTHING if as_of is None else as_of)
            return self._engine.ask(sql, parameters)

    def seen(self, sql: str, lens: Lens, as_of: int | None = None) -> pyarrow.Table:
        """The same through a lens: only relations it allows, its columns blank, its persons left out.

        On an engine of its own, which nobody else asks. Usage and Refused as the lens says.
        """
        views = lens.views(sql)
        engine = self._open()
        try:
            with self._lock:
                self._prepare(engine, " ".join(views), EVERYTHING if as_of is None else as_of, lens, views)
            return engine.ask(sql)
        finally:
            engine.close()

    def prepared(self, names: Sequence[str], as_of: int | None = None) -> Any:
        """A `DuckEngine` with what the texts name in place as of a position: for one user at a time, who may put more into it.

        It is not the engine that answers `ask`, so what is put there is seen by nobody else.
        """
        with self._lock:
            self._bench = self._bench or self._open()
            self._prepare(self._bench, " ".join(names), EVERYTHING if as_of is None else as_of)
            return self._bench

    def position(self, at: str) -> int:
        """The last ledger position whose entry is not later than an instant; -1 when there is none."""
        return self.positions([at])[at]

    def positions(self, instants: Iterable[str]) -> dict[str, int]:
        """The same for many instants, by one walk back from the ledger's end: many cases of the past cost what the earliest does."""
        waiting = sorted(set(instants))
        found = dict.fromkeys(waiting, -1)
        for page in self._store.pages(_sql("ledger_moments"), (waiting[-1],), FEW) if waiting else ():
            for seq, at in page:
                while waiting and at <= waiting[-1]:
                    found[waiting.pop()] = seq
            if not waiting:
                break
        return found

    def close(self) -> None:
        """Give the engine back."""
        for engine in (self._engine, self._bench):
            if engine is not None:
                engine.close()

    def _open(self) -> Any:
        """An engine that knows the macros of the published views and reads no folder but the shelves."""
        from trivet.data import views
        from trivet.data.engines.duck import DuckEngine

        folder = self._folder.resolve()
        engine = DuckEngine(threads=2, folders=[str(folder)], spill=spill_folder(folder))
        for macro in views.MACROS:
            engine.macro(text("trivet.data", "sql", "statements", macro))
        return engine

    def _prepare(self, engine: Any, sql: str, as_of: int, lens: Lens | None = None, seen: Mapping[str, View] | None = None) -> None:
        """Put in place what the query names, and nothing else; through a lens where there is one."""
        from trivet.data import views

        words = {word.lower() for word in WORD.findall(sql)}
        for name in sorted(words & {*self._relations, *self._given}):
            self._put(
                engine, name, as_of, see=None if lens is None or seen is None else partial(through, view=seen[name], refused=lens.refused)
            )
        flat = views.published()
        wanted = [name for name in flat if name in words - {*self._relations, *self._given}]
        needed = {*wanted, *(other for name in wanted for other in views.closure(flat[name]))}
        if needed or words & {"records", "record_version"}:
            self._records(engine, as_of, lens, seen)
        for name in [name for name in flat if name in needed]:
            shown = _sql("record_current") if name == views.STATE else flat[name]
            blank = seen[name].blank if seen and name in seen else frozenset()
            engine.define(name, _sql("records_blank").format(shown=shown, blank=_blank(blank)) if blank else shown)

    def _records(self, engine: Any, as_of: int, lens: Lens | None = None, seen: Mapping[str, View] | None = None) -> None:
        """The relations `record_version` and `records`: Parquet, the versions behind it, and the links of that position.

        Persons whom a lens leaves out are left out of the versions, and so of every view over them.
        """
        import pyarrow

        files, tail = self._segments.read()
        columns = ", ".join(COLUMNS)
        stored = f"select {columns} from tail"
        engine.put("tail", tail)
        if files:
            engine.parquet("segment", files)
            stored = _sql("record_stored").format(columns=columns)
        self._put(engine, "link_now", as_of, 20)
        versions = _sql("record_relation").format(stored=stored, as_of=int(as_of))
        if lens is not None and lens.refused:
            engine.put("left_out", pyarrow.table({"person": sorted(lens.refused)}))
            versions = _sql("record_left").format(versions=versions)
        engine.define("record_version", versions)
        blank = seen["records"].blank if seen and "records" in seen else frozenset()
        engine.define(
            "records", _sql("records_blank").format(shown=_sql("records_shown"), blank=_blank(blank)) if blank else _sql("records_shown")
        )

    def _put(self, engine: Any, name: str, as_of: int, times: int = 1, see: Callable[[Any], Any] | None = None) -> None:
        """Put a relation in place: whole when it has few pages, else as a stream; as `see` shows it where it is given."""
        import pyarrow

        if name in self._given:
            given = self._given[name]()
            engine.put(name, see(given) if see else given)
            return
        if engine is self._engine and self._placed.get(name) == as_of:
            return  # it was read by an earlier query, and nothing was committed since
        sql = self._relations[name]
        shape = pyarrow.schema([(column, KINDS[kind]()) for column, kind in columns_of(sql)])

        def pages() -> Iterator[pyarrow.RecordBatch]:
            for rows in self._store.pages(sql, {"as_of": as_of}):
                page = batch(rows, shape)
                yield from see(pyarrow.Table.from_batches([page])).to_batches() if see else (page,)

        reading = pages()
        first = list(islice(reading, HELD * times))
        if next(reading, None) is None:
            engine.put(name, pyarrow.Table.from_batches(first, shape))
        else:
            reading.close()  # type: ignore[attr-defined]
            engine.stream(name, shape, pages)
        if engine is self._engine:
            self._placed[name] = as_of


def batch(rows: Sequence[Sequence[Any]], shape: pyarrow.Schema) -> pyarrow.RecordBatch:
    """Rows of the store as one batch of these columns."""
    import pyarrow

    arrays = [
        pyarrow.array(
            [None if value is None else bool(value) for value in column] if pyarrow.types.is_boolean(field.type) else column, field.type
        )
        for field, column in zip(shape, zip(*rows, strict=True), strict=True)
    ]
    return pyarrow.record_batch(arrays, schema=shape)


def spill_folder(shelves: Path) -> str:
    """Where this process may put what does not fit into memory; what dead processes left there is removed."""
    for left in shelves.glob("spill-*"):
        number = left.name.removeprefix("spill-")
        if number.isdigit() and not Path("/proc", number).exists():
            shutil.rmtree(left, ignore_errors=True)
    return str(shelves / f"spill-{os.getpid()}")


def through(table: pyarrow.Table, view: View, refused: frozenset[str]) -> pyarrow.Table:
    """A relation as a lens shows it: columns blank, rows of persons who refused left out."""
    import pyarrow
    import pyarrow.compute

    for name in PEOPLE if view.personal and refused else ():
        if name in table.column_names:
            held = pyarrow.compute.is_in(table[name], value_set=pyarrow.array(sorted(refused), pyarrow.string()))
            table = table.filter(pyarrow.compute.invert(held))
    for name in sorted(view.blank & set(table.column_names)):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), pyarrow.nulls(len(table), table.schema.field(place).type))
    return table


def _blank(columns: frozenset[str]) -> str:
    """`null as body, ...`: columns come from a table of ours."""
    return ", ".join(f"null::varchar as {name}" for name in sorted(columns))


def columns_of(sql: str) -> list[tuple[str, str]]:
    """Names and types that a relation's file announces in its first line."""
    found = HEADER.match(sql)
    if not found:
        raise Fault("E231", "a relation does not say its columns", why=sql.split("\n", 1)[0])
    pairs = [part.split() for part in found[1].split(",")]
    return [(name, kind) for name, kind in pairs]


def _kind(name: str) -> Callable[[], Any]:
    def made() -> Any:
        import pyarrow

        return getattr(pyarrow, name)()

    return made


KINDS = {"bigint": _kind("int64"), "varchar": _kind("string"), "boolean": _kind("bool_"), "double": _kind("float64")}
