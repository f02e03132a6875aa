"""Views on DuckDB: the embedded engine. In, raw texts as Arrow, NDJSON or Parquet; out, Arrow; refused, any file but those named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from trivet.data.engines.duck import DuckEngine
from trivet.data.engines.duck_sql import DuckSql
from trivet.data.engines.sql_emitter import MARK, Emitter
from trivet.data.engines.views import SqlViews
from trivet.data.sof.definition import ViewError
from trivet.kernel.errors import Fault, Problem
from trivet.kernel.fhirpath import Types

__all__ = ["DuckViews", "Records"]

LONGEST = 16 * 1024 * 1024  # bytes of one line of NDJSON; DuckDB holds several times as much for each thread


class Records(DuckEngine):
    """An engine whose statements may stop with a message of ours, or over a text that is no JSON."""

    def broken(self, error: duckdb.Error) -> Problem:
        """Our own messages hold no values and are passed on; DuckDB's may, and are not."""
        said = str(error)
        if MARK in said:
            return ViewError(said.split(MARK, 1)[1].splitlines()[0].strip())
        if "maximum_object_size" in said:
            return ViewError(f"a line is longer than {LONGEST // 1024 // 1024} MB: give such a resource as a .json file")
        if "JSON" in said and isinstance(error, duckdb.InvalidInputException):
            return ViewError("a record is not JSON")
        if isinstance(error, duckdb.OutOfMemoryException):
            return Fault("E331", "the query does not fit into memory", why=type(error).__name__, help="give the engine more memory")
        return super().broken(error)


class DuckViews(SqlViews):
    """DuckDB in this process. `threads` 0 is one for each core; `folders` are where files may be read."""

    name = "duckdb"

    def __init__(
        self, types: Types | None = None, *, threads: int = 0, memory: str = "2GB", folders: Sequence[str] = (), spill: str = ""
    ) -> None:
        super().__init__(types)
        self._engine = Records(threads=threads or os.cpu_count() or 1, memory=memory, folders=folders, spill=spill)

    def emitter(self) -> Emitter:
        return DuckSql()

    def records(self, name: str, *, table: pa.Table | None = None, ndjson: Sequence[str] = (), parquet: Sequence[str] = ()) -> None:
        """A view over the files and the table."""
        sources = []
        if table is not None:
            self._engine.put(f"{name}_table", table)
            sources.append(f"SELECT raw FROM {name}_table")
        sources += [f"SELECT json AS raw FROM read_ndjson_objects({_text(path)}, maximum_object_size={LONGEST})" for path in ndjson]
        sources += [f"SELECT raw FROM read_parquet({_text(path)})" for path in parquet]
        self._engine.define(name, " UNION ALL ".join(sources) if sources else "SELECT CAST(NULL AS VARCHAR) AS raw WHERE FALSE")

    def parquet(self, name: str, files: Sequence[str]) -> None:
        """`contracts.engine.Reading`."""
        self._engine.parquet(name, files)

    def stream(self, sql: str) -> Iterator[pa.RecordBatch]:
        return self._engine.batches(sql)

    def sql(self, text: str) -> pa.Table:
        """One SELECT."""
        return self._engine.ask(text)

    def close(self) -> None:
        """Give the connection back."""
        self._engine.close()


def _text(path: str) -> str:
    return "'" + str(Path(path).resolve()).replace("'", "''") + "'"
