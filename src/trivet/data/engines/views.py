"""What the engines for views share: compile, run, go deeper when the data is deeper, fall back where that was asked for.

In: a ViewDefinition as plain data and relations of raw texts. Out: Arrow. Refused (ViewError): what means nothing; rows that a
column cannot hold; and, unless `fallback`, expressions that have no SQL (`NotCompiled`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from trivet.contracts.engine import Compiled
from trivet.data.engines.sql_emitter import TOO_DEEP, Emitter
from trivet.data.sof.chains import compile_view
from trivet.data.sof.definition import View, ViewError, read_view
from trivet.data.sof.plan import Output, Plan
from trivet.data.sof.r4 import r4_types
from trivet.data.sof.results import parts, schema
from trivet.data.sof.rows import ViewRunner
from trivet.data.sof.values import NotCompiled
from trivet.kernel.fhirpath import Types
from trivet.kernel.jsontext import loads

__all__ = ["ReferenceViews", "SqlViews"]

DEPTHS = (4, 8, 16, 32, 64)
"""Levels that a statement with `repeat` reads; the next is tried when the data goes deeper."""
KINDS = {"boolean": "bool", "integer": "int", "positiveInt": "int", "unsignedInt": "int", "integer64": "int", "decimal": "decimal"}


class ReferenceViews:
    """The FHIRPath evaluator as an engine: slow, and what the others are held against."""

    name = "reference"

    def __init__(self, types: Types | None = None, *, folders: Sequence[str] = ()) -> None:
        self.types = types or r4_types()
        self._tables: dict[str, pa.Table] = {}

    def records(self, name: str, *, table: pa.Table | None = None, ndjson: Sequence[str] = (), parquet: Sequence[str] = ()) -> None:
        """Keep the texts."""
        import pyarrow.parquet

        held = [] if table is None else [table.select(["raw"]).cast(TEXTS)]
        for path in ndjson:
            with open(path, encoding="utf-8") as lines:
                held.append(pa.table({"raw": [line for line in lines if line.strip()]}, TEXTS))
        held += [pyarrow.parquet.read_table(path, columns=["raw"]).cast(TEXTS) for path in parquet]
        self._tables[name] = pa.concat_tables(held) if held else TEXTS.empty_table()

    def compile(self, definition: Mapping[str, Any], records: str = "records") -> Compiled:
        """No SQL: the view is only read."""
        view = read_view(definition)
        return Compiled(self.name, "", (f"resource {view.resource}", "every row by the FHIRPath evaluator"))

    def rows(self, definition: Mapping[str, Any], records: str = "records") -> Iterator[tuple[Any, ...]]:
        """Python rows."""
        return ViewRunner(read_view(definition), self.types).rows(texts(self._tables[records].to_batches(5_000)))

    def batches(self, definition: Mapping[str, Any], records: str = "records", *, fallback: bool = False) -> Iterator[pa.RecordBatch]:
        """Rows in parts."""
        return interpreted(read_view(definition), self.types, self._tables[records].to_batches(5_000))

    def view(self, definition: Mapping[str, Any], records: str = "records", *, fallback: bool = False) -> pa.Table:
        """All rows."""
        return pa.Table.from_batches(self.batches(definition, records), shape(read_view(definition), self.types))

    def sql(self, text: str) -> pa.Table:
        """There is none."""
        raise ViewError("the reference engine has no SQL")

    def close(self) -> None:
        """Forget the texts."""
        self._tables.clear()


TEXTS = pa.schema([("raw", pa.large_string())])


def texts(batches: Iterator[pa.RecordBatch] | Sequence[pa.RecordBatch]) -> Iterator[Any]:
    """The resources of batches of raw text. ViewError for what is no resource, as the other engines say it."""
    for part in batches:
        for text in part.column(0).to_pylist():
            try:
                held = loads(text)
            except ValueError:
                raise ViewError("a record is not JSON") from None
            if not isinstance(held, dict) or "resourceType" not in held:
                raise ViewError("a record is no FHIR resource")
            yield held


def interpreted(view: View, types: Types, batches: Iterator[pa.RecordBatch] | Sequence[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A view by the evaluator, as Arrow."""
    return parts(ViewRunner(view, types).rows(texts(batches)), shape(view, types))


def shape(view: View, types: Types) -> pa.Schema:
    """The Arrow schema of a view: as its plan says, or, where there is none, as its columns declare."""
    try:
        return schema(compile_view(view, types).outputs)
    except NotCompiled:
        return schema([Output(column.name, KINDS.get(column.type, "text"), column.collection) for column in view.columns()])


class SqlViews(ABC):
    """An engine that runs SQL. A subclass names its emitter, makes relations, and runs a statement."""

    name: str

    def __init__(self, types: Types | None = None) -> None:
        self.types = types or r4_types()

    @abstractmethod
    def emitter(self) -> Emitter:
        """A fresh emitter."""

    @abstractmethod
    def stream(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a statement in parts. ViewError carries the messages that the statement itself stops with."""

    def compile(self, definition: Mapping[str, Any], records: str = "records") -> Compiled:
        """The statement, the plan, and what of it needs the reference engine."""
        view = read_view(definition)
        try:
            plan = compile_view(view, self.types)
        except NotCompiled as error:
            return Compiled(self.name, "", ("every row by the FHIRPath evaluator",), (), f"{error.where}: {error.what}")
        notes = (*plan.notes, f"repeat is read {DEPTHS[0]} levels deep, and deeper when the data is") if plan.repeats() else plan.notes
        return Compiled(self.name, self.emitter().statement(plan, records, DEPTHS[0]), tuple(plan.lines()), notes)

    def batches(self, definition: Mapping[str, Any], records: str = "records", *, fallback: bool = False) -> Iterator[pa.RecordBatch]:
        """Rows in parts."""
        view = read_view(definition)
        try:
            plan = compile_view(view, self.types)
        except NotCompiled as error:
            if not fallback:
                why = f"{error.what}: --fallback lets the reference engine run the view"
                raise NotCompiled(why, error.where) from None
            yield from interpreted(view, self.types, self.stream(self.raw(records)))
            return
        yield from self._planned(plan, records)

    def raw(self, records: str) -> str:
        """The statement that gives the texts themselves."""
        return f"SELECT CAST(raw AS {self.emitter().text_type}) AS raw FROM {records}"

    def _planned(self, plan: Plan, records: str) -> Iterator[pa.RecordBatch]:
        wanted = schema(plan.outputs)
        if not plan.repeats():
            yield from (part.cast(wanted) for part in self.stream(self.emitter().statement(plan, records)))
            return
        for depth in DEPTHS:
            try:
                # nothing is handed out before it is known that the statement reads deep enough
                found = [part.cast(wanted) for part in self.stream(self.emitter().statement(plan, records, depth))]
            except ViewError as error:
                if error.what != TOO_DEEP or depth == DEPTHS[-1]:
                    raise
            else:
                yield from found
                return

    def view(self, definition: Mapping[str, Any], records: str = "records", *, fallback: bool = False) -> pa.Table:
        """All rows."""
        return pa.Table.from_batches(self.batches(definition, records, fallback=fallback), shape(read_view(definition), self.types))
