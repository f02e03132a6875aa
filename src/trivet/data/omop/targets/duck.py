"""A DuckDB file, and Parquet files made through one. A change is one transaction, or one set of files exchanged at the end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from trivet.data.omop.model import Table, cdm
from trivet.kernel.errors import Fault, Usage
from trivet.kernel.resources import text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DuckTarget", "ParquetTarget"]


class DuckTarget:
    """Tables in the main schema of a DuckDB file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.connection = duckdb.connect(str(path), config={"threads": "2", "memory_limit": "4GB"})
        except duckdb.Error as error:
            raise Usage("E912", "the target is no DuckDB database", where=str(path), why=type(error).__name__) from None
        self._open = False

    def last(self) -> str:
        """The run that the tables are of."""
        try:
            found = self.connection.execute(_sql("run_last")).fetchall()
        except duckdb.CatalogException:
            return ""
        return str(found[0][0]) if found else ""

    def begin(self) -> None:
        """Start a change; every table of the model is there from now on."""
        self.connection.execute("BEGIN")
        self._open = True
        for table in cdm().values():
            columns = ", ".join(f'"{column.name}" {column.sql}' for column in table.columns)
            self.connection.execute(_sql("table_create").format(schema="", table=table.name, columns=columns))

    def clear(self, tables: Collection[str]) -> None:
        """Empty these tables."""
        for name in tables:
            self.connection.execute(_sql("table_clear").format(schema="", table=name))

    def remove(self, persons: Collection[int]) -> None:
        """Take every row of these persons away."""
        import pyarrow as pa

        if not persons:
            return
        self.connection.register("gone", pa.table({"person_id": pa.array(sorted(persons), pa.int64())}))
        for table in cdm().values():
            if table.personal:
                self.connection.execute(_sql("persons_remove").format(table=table.name))

    def add(self, table: Table, rows: pa.Table) -> None:
        """Bring rows."""
        columns = ", ".join(f'"{name}"' for name in rows.column_names)
        self.connection.register("batch", rows)
        self.connection.execute(_sql("rows_add").format(table=table.name, columns=columns))
        self.connection.unregister("batch")

    def commit(self) -> None:
        """Make the change visible. Fault when two rows share a key: a collision is never a merge."""
        for table in cdm().values():
            if table.key and self.connection.execute(_sql("key_repeated").format(table=table.name, key=table.key)).fetchall():
                raise Fault("E913", f"two rows of {table.name} have one key", why="the keys of two resources collide", help="trivet doctor")
        self.connection.execute("COMMIT")
        self._open = False

    def close(self) -> None:
        """Give everything back; a change that was not committed did not happen."""
        if self._open:
            self.connection.execute("ROLLBACK")
        self.connection.close()


class ParquetTarget:
    """One file for each table with rows, `person.parquet` and so on, exchanged together at the end of a change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if folder.exists() and not folder.is_dir():
            raise Usage("E912", "the target is no folder", where=str(folder))
        self._scratch = tempfile.TemporaryDirectory(prefix="trivet-omop-")
        self._staging = DuckTarget(Path(self._scratch.name) / "staging.duckdb")

    def last(self) -> str:
        """The run that the files are of."""
        file = self.folder / "cdm_source.parquet"
        if not file.is_file():
            return ""
        import pyarrow.parquet as pq

        try:
            rows = pq.read_table(file, columns=["cdm_etl_reference"]).to_pylist()
        except (OSError, ValueError, KeyError):
            return ""
        return str(rows[0]["cdm_etl_reference"]) if rows else ""

    def begin(self) -> None:
        """Start a change over what the files hold."""
        self._staging.begin()
        for table in cdm().values():
            file = self.folder / f"{table.name}.parquet"
            if file.is_file():
                columns = ", ".join(f'"{name}"' for name in table.names)
                sql = _sql("rows_load").format(table=table.name, columns=columns, file=_quoted(file))
                self._staging.connection.execute(sql)

    def clear(self, tables: Collection[str]) -> None:
        """Empty these tables."""
        self._staging.clear(tables)

    def remove(self, persons: Collection[int]) -> None:
        """Take every row of these persons away."""
        self._staging.remove(persons)

    def add(self, table: Table, rows: pa.Table) -> None:
        """Bring rows."""
        self._staging.add(table, rows)

    def commit(self) -> None:
        """Write every file beside its place, then move all of them there. The same rows give the same bytes."""
        self._staging.commit()
        fresh = Path(self._scratch.name) / "fresh"
        fresh.mkdir()
        self._staging.connection.execute("SET threads = 1")
        for table in cdm().values():
            columns = ", ".join(f'"{name}"' for name in table.names)
            order = f'"{table.key}"' if table.key else columns
            sql = _sql("rows_export").format(table=table.name, columns=columns, order=order, file=_quoted(fresh / f"{table.name}.parquet"))
            self._staging.connection.execute(sql)
        self.folder.mkdir(parents=True, exist_ok=True)
        for file in sorted(fresh.iterdir()):
            beside = self.folder / f".{file.name}.part"
            shutil.move(file, beside)
        for table in cdm().values():
            os.replace(self.folder / f".{table.name}.parquet.part", self.folder / f"{table.name}.parquet")

    def close(self) -> None:
        """Give everything back."""
        self._staging.close()
        self._scratch.cleanup()


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "omop", f"{name}.sql")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
