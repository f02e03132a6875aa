"""An OMOP database to read, in DuckDB: in, a DuckDB file, or a folder of Parquet and CSV files; out, an engine over its tables.

Nothing is written to what is read. A CSV column becomes what the specification says only when every one of its values fits; else it
stays text, so that what does not fit is found by a check and not hidden by the reader. Files that are no table of the model are named.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from trivet.kernel.errors import Fault, NotFound, Usage
from trivet.kernel.resources import text

__all__ = ["CdmEngine"]

UNNAMED = re.compile(r"column_?\d+", re.I)
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
SUFFIXES = (".parquet", ".csv", ".tsv")
DATES = {
    "date": "coalesce(TRY_CAST({c} AS DATE), TRY_CAST(try_strptime({c}, '%Y%m%d') AS DATE))",
    "timestamp": "TRY_CAST({c} AS TIMESTAMP)",
}


class CdmEngine:
    """One connection. `shape` is table -> column -> SQL type, of the model."""

    def __init__(
        self, path: Path, shape: Mapping[str, Mapping[str, str]], *, empty: bool = False, threads: int = 2, memory: str = "4GB"
    ) -> None:
        """With `empty`, a table of the model that is not there is taken for an empty one."""
        self._shape = shape
        self.ignored: list[str] = []
        self.findings: list[dict[str, str]] = []
        settings: dict[str, Any] = {"threads": str(threads), "memory_limit": memory, "autoinstall_known_extensions": "false"}
        self._connection = duckdb.connect(":memory:", config=settings)
        self._connection.execute("SET TimeZone = 'UTC'")
        if path.is_dir():
            self._read_folder(path)
        elif path.is_file():
            self._attach(path)
        else:
            raise NotFound("E800", "no OMOP database here", where=str(path), help="trivet dqd FOLDER or trivet dqd FILE.duckdb")
        there = {row[0] for row in self._connection.execute(_sql("tables_here")).fetchall()}
        for name, columns in shape.items() if empty else ():
            if name in there:
                continue
            listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            self._connection.execute(_sql("create").format(name=name, columns=listed))
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute(_sql("columns"))
        self.columns: dict[str, dict[str, str]] = {}
        for table, column, kind in self._connection.execute(_sql("columns_all")).fetchall():
            self.columns.setdefault(table, {})[column] = kind

    def ask(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of one statement. Fault, without the engine's own text (it may hold a value), when it cannot run."""
        try:
            found: list[tuple[Any, ...]] = self._connection.execute(sql, list(parameters)).fetchall()
            return found
        except duckdb.Error as error:
            raise Fault("E801", "a statement over the OMOP database cannot run", why=type(error).__name__) from None

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The same, with the columns' names."""
        try:
            done = self._connection.execute(sql)
            names = [column[0] for column in done.description]
            return [dict(zip(names, row, strict=True)) for row in done.fetchall()]
        except duckdb.Error as error:
            raise Fault("E801", "a statement over the OMOP database cannot run", why=type(error).__name__) from None

    def close(self) -> None:
        """Give everything back."""
        self._connection.close()

    def _attach(self, path: Path) -> None:
        try:
            self._connection.execute(f"ATTACH {_quoted(path)} AS given (READ_ONLY)")
        except duckdb.Error as error:
            raise Usage("E802", "this is no DuckDB database", where=str(path), why=type(error).__name__) from None
        found = {}
        for schema, table in self._connection.execute(_sql("tables_given")).fetchall():
            name = table.lower()
            self._look(f'given."{schema}"."{table}"', name)
            if name in self._shape and name not in found:
                found[name] = schema
                self._connection.execute(_sql("view_given").format(name=name, schema=schema, table=table))
            elif name not in self._shape:
                self.ignored.append(table)

    def _read_folder(self, path: Path) -> None:
        found: dict[str, list[Path]] = {}
        for file in sorted(path.rglob("*")):
            if file.suffix.lower() in SUFFIXES:
                name = (file.parent.name if file.parent != path and file.stem.lower() not in self._shape else file.stem).lower()
                if name in self._shape:
                    found.setdefault(name, []).append(file)
                else:
                    self.ignored.append(file.relative_to(path).as_posix())
        if not found:
            why = "no file is named after a table of CDM 5.4: PERSON.csv, person.parquet, ..."
            raise NotFound("E800", "no OMOP database here", where=str(path), why=why, help="trivet dqd FOLDER or trivet dqd FILE.duckdb")
        for name, files in found.items():
            try:
                self._read(name, files)
                self._look(f'"{name}"', name)
            except duckdb.Error as error:
                raise Usage("E802", f"the file of {name} cannot be read", where=str(files[0]), why=type(error).__name__) from None

    def _look(self, table: str, name: str) -> None:
        """Columns without names over a row of names: a header was read as data."""
        done = self._connection.execute(f"FROM {table} LIMIT 1")
        names, row = [column[0] for column in done.description], done.fetchone()
        if (
            row
            and all(UNNAMED.fullmatch(column) for column in names)
            and all(isinstance(cell, str) and NAME.fullmatch(cell) for cell in row)
        ):
            self.findings.append({"finding": "header-is-a-row", "table": name, "why": "columns without names over a row that names them"})

    def _read(self, name: str, files: Sequence[Path]) -> None:
        listed = "[" + ", ".join(_quoted(file) for file in files) + "]"
        if files[0].suffix.lower() == ".parquet":
            columns = self._connection.execute(f"DESCRIBE FROM read_parquet({listed})").fetchall()
            chosen = ", ".join(f'"{column[0]}" AS "{column[0].lower()}"' for column in columns)
            self._connection.execute(_sql("table_read").format(name=name, columns=chosen, source=f"read_parquet({listed})"))
            return
        self._connection.execute(_sql("raw_read").format(files=listed, layout=self._layout(files[0], name)))
        said = [(column[0], column[0].lower()) for column in self._connection.execute("DESCRIBE raw").fetchall()]
        casts = {given: self._cast(given, self._shape[name].get(known, "text")) for given, known in said}
        counts = ", ".join(f'count("{given}") - count({cast})' for given, cast in casts.items())
        lost = self._connection.execute(_sql("raw_lost").format(counts=counts)).fetchone() or ()
        chosen = ", ".join(
            f'{casts[given] if missing == 0 else chr(34) + given + chr(34)} AS "{known}"'
            for (given, known), missing in zip(said, lost, strict=True)
        )
        self._connection.execute(_sql("table_read").format(name=name, columns=chosen, source="raw"))
        self._connection.execute(_sql("raw_drop"))

    def _layout(self, file: Path, name: str) -> str:
        """How a text file is to be read. Athena's files have tabs and no quotes, others commas and quotes: the first line tells.

        The first line names the columns, always. Fields that have no name are kept under one, and the finding says so.
        """
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
            tabs = "\t" in opened.readline()
            opened.seek(0)
            lines = csv.reader(opened, delimiter="\t", quoting=csv.QUOTE_NONE) if tabs else csv.reader(opened)
            head = next(lines)
            most = max([len(head), *(len(row) for row in islice(lines, 1000))])
        if most > len(head):
            why = f"{most} fields under {len(head)} names"
            self.findings.append({"finding": "more-fields-than-names", "table": name, "why": why})
        columns = _texts([*head, *(f"unnamed_{number}" for number in range(most - len(head)))])
        quotes = "delim = '\t', quote = '', escape = ''" if tabs else "delim = ',', quote = '\"', escape = '\"'"
        return f"auto_detect = false, header = true, columns = {columns}, null_padding = true, nullstr = '', {quotes}"

    def _cast(self, column: str, kind: str) -> str:
        name = f'"{column}"'
        if kind in DATES:
            return DATES[kind].format(c=name)
        if kind in ("integer", "bigint"):  # a cast alone would round 1.5
            return f"CASE WHEN regexp_full_match({name}, '\\s*[+-]?\\d+\\s*') THEN TRY_CAST({name} AS {kind}) END"
        if kind == "double precision":
            return f"TRY_CAST({name} AS DOUBLE)"
        return name


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "dqd", "catalogue", f"{name}.sql")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _texts(names: Sequence[str]) -> str:
    return "{" + ", ".join("'" + name.replace("'", "''") + "': 'VARCHAR'" for name in names) + "}"
