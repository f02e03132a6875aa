"""DuckDB as the embedded analytic engine: in, Arrow tables or Parquet files under names; out, Arrow tables.

In memory only, one connection, no extension is ever downloaded, and SQL reaches no file but the folders it was given. What does not
fit into its memory goes to the folder `spill`, if it was given one; else the query breaks, with a Fault. The session's zone is UTC,
whatever the machine's is. Decimals of JSON bodies keep their digits only through `json_transform`
with a DECIMAL target somewhere in its structure (DuckDB 2.0; `->>` and `read_json` round them), which is how the published
views read them; `tests/unit/data/test_duck.py` watches that this stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import RLock
from typing import Any

import duckdb
import pyarrow as pa

from trivet.kernel.errors import Fault, Problem, Usage

__all__ = ["DuckEngine"]

READABLE = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.PermissionException)
"""Errors whose text holds the query's own words and nothing from the rows."""


class DuckEngine:
    """One DuckDB connection. Calls from several threads take turns. `folders` are the only places Parquet may be read from."""

    def __init__(self, *, threads: int = 1, memory: str = "384MB", folders: Sequence[str] = (), spill: str = "") -> None:
        self._lock = RLock()
        self._slots: dict[str, _Slot] = {}
        settings: dict[str, Any] = {
            "threads": str(threads),
            "memory_limit": memory,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
            "temp_directory": spill,
        }
        self._connection = duckdb.connect(":memory:", config=settings)
        self._connection.execute("SET TimeZone = 'UTC'")
        if folders:
            self._connection.execute("SET allowed_directories = ?", [list(folders)])
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def put(self, name: str, table: pa.Table) -> None:
        """Let SQL read `table` as `name`; what stood under that name before is gone. Nothing is copied."""
        with self._lock:
            self._connection.register(name, table)

    def stream(self, name: str, shape: pa.Schema, batches: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        """Let SQL read as `name` what `batches` gives, anew for each query and never all of it at once."""
        with self._lock:
            self._connection.register(name, _Stream(shape, batches))

    def parquet(self, name: str, files: Sequence[str]) -> None:
        """Let SQL read these Parquet files as one relation `name`. The files must lie under the engine's folders."""
        with self._lock:
            self._execute(f"CREATE OR REPLACE TEMP VIEW {_name(name)} AS FROM read_parquet({_texts(files)})", ())

    def define(self, name: str, sql: str) -> None:
        """Let SQL read the statement `sql` as the view `name`. What it reads must be there already."""
        with self._lock:
            self._execute(f"CREATE OR REPLACE TEMP VIEW {_name(name)} AS {sql}", ())

    def forget(self, name: str) -> None:
        """Take away what `parquet` or `define` put in place."""
        with self._lock:
            self._execute(f"DROP VIEW {_name(name)}", ())

    def slot(self, name: str, empty: pa.Table) -> None:
        """Make a place called `name` whose content `fill` exchanges: statements prepared over it stay prepared. Its columns stay."""
        with self._lock:
            self._slots[name] = _Slot(empty)
            self._connection.register(name, self._slots[name])

    def fill(self, name: str, table: pa.Table) -> None:
        """Put a table of the same columns into a slot."""
        with self._lock:
            slot = self._slots[name]
            slot.table = table if table.schema.equals(slot.table.schema) else table.cast(slot.table.schema)

    def prepare(self, name: str, sql: str) -> None:
        """Parse and plan a statement once, for `go`."""
        with self._lock:
            self._execute(f"PREPARE {_name(name)} AS {sql}", ())

    def go(self, name: str) -> pa.Table:
        """The rows of a prepared statement over what the slots hold now."""
        with self._lock:
            return self._execute(f"EXECUTE {_name(name)}", ())

    def macro(self, sql: str) -> None:
        """Run a shipped definition (a macro)."""
        with self._lock:
            self._execute(sql, ())

    def run(self, sql: str, parameters: Sequence[Any] = (), tables: Mapping[str, pa.Table] | None = None) -> pa.Table:
        """The rows of one query. `tables` are put in place first, so that a query and its tables are one step.

        Raises Usage when the SQL is not understood or reaches outside; Fault, without the engine's own text (it may hold a
        value), when it breaks while running.
        """
        with self._lock:
            for name, table in (tables or {}).items():
                self._connection.register(name, table)
            return self._execute(sql, parameters)

    def ask(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """The rows of a query that somebody typed: exactly one SELECT, or Usage."""
        try:
            kinds = [statement.type for statement in duckdb.extract_statements(sql)]
        except duckdb.ParserException as error:
            raise Usage("E330", "the query was not understood", why=_first(error)) from None
        if kinds != [duckdb.StatementType.SELECT]:
            raise Usage("E332", "one SELECT at a time, and nothing that writes", help="trivet query 'SELECT 1'")
        return self.run(sql, parameters)

    def _execute(self, sql: str, parameters: Sequence[Any]) -> pa.Table:
        try:
            relation = self._connection.sql(sql, params=list(parameters) or None)
            return pa.table({}) if relation is None else relation.to_arrow_table()
        except READABLE as error:
            raise Usage("E330", "the query was not understood", why=_first(error)) from None
        except duckdb.Error as error:
            raise self.broken(error) from None

    def broken(self, error: duckdb.Error) -> Problem:
        """What is said of a query that broke while running: never the engine's own text, it may hold a value."""
        return Fault("E331", "the query broke while running", why=type(error).__name__, help="trivet doctor")

    def batches(self, sql: str, rows: int = 100_000) -> Iterator[pa.RecordBatch]:
        """The rows of one query in parts: no more than a part is held. Other calls wait until the last part is taken."""
        with self._lock:
            try:
                relation = self._connection.sql(sql)
                yield from () if relation is None else relation.to_arrow_reader(rows)
            except READABLE as error:
                raise Usage("E330", "the query was not understood", why=_first(error)) from None
            except duckdb.Error as error:
                raise self.broken(error) from None

    def close(self) -> None:
        """Give everything back."""
        with self._lock:
            self._connection.close()


class _Slot:
    """A table that DuckDB reads through the Arrow stream protocol, so that it may be exchanged under a prepared statement."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_schema__(self) -> Any:
        return self.table.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)


class _Stream:
    """Batches that DuckDB takes one at a time through the Arrow stream protocol, from the beginning for every query."""

    def __init__(self, shape: pa.Schema, batches: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        self.shape, self.batches = shape, batches

    def __arrow_c_schema__(self) -> Any:
        return self.shape.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return pa.RecordBatchReader.from_batches(self.shape, self.batches()).__arrow_c_stream__(requested_schema)


def _first(error: duckdb.Error) -> str:
    return str(error).split("\n\n")[0].strip()


def _name(text: str) -> str:
    if not text.isidentifier():
        raise ValueError("a relation's name is an identifier")
    return text


def _texts(values: Sequence[str]) -> str:
    return "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]"
