"""A schema of a PostgreSQL database, through pg8000. A change is one transaction; keys are constraints of the database."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from trivet.data.omop.model import Table, cdm
from trivet.kernel.errors import Fault, Locked, Usage
from trivet.kernel.resources import text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PostgresTarget"]

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class PostgresTarget:
    """`postgresql://user:password@host:port/database?schema=cdm`; `host` may be a folder with a socket (`?socket=/run/postgresql`)."""

    def __init__(self, url: str) -> None:
        try:
            import pg8000.native as pg
        except ImportError:
            raise Usage("E914", "PostgreSQL needs the package pg8000", help="pip install 'trivet[postgres]'") from None
        parts, asked = urlsplit(url), parse_qs(urlsplit(url).query)
        self._name = asked.get("schema", ["cdm"])[0]
        if parts.scheme not in ("postgresql", "postgres") or not NAME.fullmatch(self._name):
            raise Usage("E915", "not the address of a PostgreSQL schema", help="postgresql://user@host:5432/database?schema=cdm")
        self._schema = f'"{self._name}".'
        self._errors = (pg.DatabaseError, pg.InterfaceError)
        where: dict[str, Any] = {"host": parts.hostname or "localhost", "port": parts.port or 5432}
        if asked.get("socket"):
            where = {"unix_sock": f"{asked['socket'][0]}/.s.PGSQL.{parts.port or 5432}"}
        try:
            self._connection = pg.Connection(
                unquote(parts.username or "postgres"),
                password=unquote(parts.password) if parts.password else None,
                database=parts.path.lstrip("/") or "postgres",
                **where,
            )
        except (*self._errors, OSError) as error:
            raise Locked("E916", "the PostgreSQL server does not answer or does not let us in", why=type(error).__name__) from None

    def last(self) -> str:
        """The run that the tables are of."""
        try:
            found = self._connection.run(_sql("pg_run_last").format(schema=self._schema))
        except self._errors:
            return ""
        return str(found[0][0]) if found else ""

    def begin(self) -> None:
        """Start a change; schema and tables are there from now on."""
        self._run("BEGIN")
        self._run(_sql("pg_schema").format(schema=f'"{self._name}"'))
        for table in cdm().values():
            columns = [f'"{column.name}" {column.sql}{" not null" if column.required else ""}' for column in table.columns]
            columns += [f'primary key ("{table.key}")'] if table.key else []
            self._run(_sql("table_create").format(schema=self._schema, table=table.name, columns=", ".join(columns)))

    def clear(self, tables: Collection[str]) -> None:
        """Empty these tables."""
        for name in tables:
            self._run(_sql("table_clear").format(schema=self._schema, table=name))

    def remove(self, persons: Collection[int]) -> None:
        """Take every row of these persons away."""
        for table in cdm().values() if persons else ():
            if table.personal:
                self._run(_sql("pg_persons_remove").format(schema=self._schema, table=table.name), gone=sorted(persons))

    def add(self, table: Table, rows: pa.Table) -> None:
        """Bring rows, as PostgreSQL's own CSV: an empty field is null."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
        for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            writer.writerow(["" if value is None else value for value in row])
        columns = ", ".join(f'"{name}"' for name in rows.column_names)
        sql = _sql("pg_copy").format(schema=self._schema, table=table.name, columns=columns)
        self._run(sql, stream=io.BytesIO(out.getvalue().encode("utf-8")))

    def commit(self) -> None:
        """Make the change visible."""
        self._run("COMMIT")

    def close(self) -> None:
        """Give the connection back; a change that was not committed did not happen."""
        self._connection.close()

    def _run(self, sql: str, **more: Any) -> Any:
        try:
            return self._connection.run(sql, **more)
        except self._errors as error:
            told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
            why = f"{type(error).__name__} {told.get('C', '')} {told.get('t', '')}".strip()  # code and table; the detail may hold a value
            raise Fault("E917", "PostgreSQL refused a statement of the build", why=why, help="trivet doctor") from None


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "omop", f"{name}.sql")
