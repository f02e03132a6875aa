"""Views on Spark 4: for bulk work that one machine is too small for, and, with `local[*]`, on one machine.

In, raw texts as Arrow, NDJSON or Parquet (any address that the session reads); out, Arrow. One session a process, made with the first
engine and in ANSI mode, UTC. Refused: a missing PySpark or Java, said with the command that helps.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import pyarrow as pa

from trivet.data.engines.spark_sql import SparkSql
from trivet.data.engines.sql_emitter import MARK, Emitter
from trivet.data.engines.views import SqlViews
from trivet.data.sof.definition import ViewError
from trivet.kernel.errors import Fault, Usage
from trivet.kernel.fhirpath import Types

__all__ = ["SparkViews"]

SETTINGS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.execution.arrow.useLargeVarTypes": "false",
    "spark.sql.analyzer.maxIterations": "2000",  # a deep repeat has more levels of lambdas than 100 rounds resolve
}
"""What the statements rest on."""
SPREAD = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1",  # a row is a batch of units already, of a megabyte or one large unit
    "spark.sql.files.openCostInBytes": "262144",
    "spark.sql.files.maxPartitionBytes": "16777216",  # so many tasks that no core waits long for the last of them
}
WRITE = {  # of the rows that are written, few are held: rows of megabytes must not wait for the hundredth to be counted
    "compression": "zstd",
    "parquet.block.size": "16777216",
    "parquet.page.size.row.check.min": "1",
    "parquet.block.row.count.limit": "16",
}
PATTERN = re.compile(r"([\\\[\]{}*?])")
NAMES = {"int64": "bigint", "string": "string", "binary": "binary"}
START = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "8",
}


def start(master: str, options: Mapping[str, str]) -> Any:
    """A Spark session on this machine, or the one that is running."""
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise Usage("E343", "Spark is not installed", where=sys.executable, why="no module pyspark", help="make spark") from None
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else its workers are whatever python3 the path names first
    building = SparkSession.builder.master(master).appName("trivet")
    for name, value in {**START, **options}.items():
        building = building.config(name, value)
    try:
        session = building.getOrCreate()
    except (PySparkException, OSError, RuntimeError) as error:
        why = f"{type(error).__name__}: Spark 4 needs Java 17 or newer"
        raise Fault("E344", "Spark did not start", where=master, why=why, help="make spark") from None
    if hasattr(session, "sparkContext"):
        session.sparkContext.setLogLevel("OFF")  # its log would hold the rows of a statement that breaks
    return session


class SparkViews(SqlViews):
    """A Spark session: the given one, or one of its own. `folders` are not needed: Spark reads what its user may read."""

    name = "spark"

    def __init__(
        self,
        types: Types | None = None,
        *,
        session: Any = None,
        master: str = "local[*]",
        folders: Sequence[str] = (),
        options: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(types)
        self._own, self._given, self._master, self._options = session is None, session, master, options or {}

    @cached_property
    def _session(self) -> Any:
        """The session, once something must run: to compile a view needs no Java."""
        session = start(self._master, self._options) if self._given is None else self._given
        for name, value in SETTINGS.items():
            session.conf.set(name, value)
        return session

    def emitter(self) -> Emitter:
        return SparkSql()

    def records(self, name: str, *, table: pa.Table | None = None, ndjson: Sequence[str] = (), parquet: Sequence[str] = ()) -> None:
        """A temporary view over the files and the table."""
        session, wanted = self._session, pa.schema([("raw", pa.string())])
        frames = []
        if table is not None:
            frames.append(session.createDataFrame(table.select(["raw"]).cast(wanted)))
        if ndjson:
            frames.append(
                session.read.text([literal(path) for path in ndjson])
                .withColumnRenamed("value", "raw")
                .where("trim(raw) <> ''")
                .select("raw")
            )
        if parquet:
            frames.append(session.read.parquet(*map(literal, parquet)).select("raw"))
        frame = frames[0] if frames else session.createDataFrame(wanted.empty_table())
        for other in frames[1:]:
            frame = frame.unionAll(other)
        frame.createOrReplaceTempView(name)

    def parquet(self, name: str, files: Sequence[str]) -> None:
        """`contracts.engine.Reading`."""
        self._session.read.parquet(*map(literal, files)).createOrReplaceTempView(name)

    def stream(self, sql: str) -> Iterator[pa.RecordBatch]:
        from pyspark.errors import AnalysisException, ParseException, PySparkException

        try:
            yield from self._session.sql(sql).toArrow().to_batches()
        except (AnalysisException, ParseException) as error:
            raise Usage("E330", "the query was not understood", why=str(error).splitlines()[0][:200]) from None
        except PySparkException as error:
            raise broken(error) from None

    def sql(self, text: str) -> pa.Table:
        """One SELECT, in Spark's SQL."""
        found = list(self.stream(text))
        return pa.Table.from_batches(found) if found else pa.table({})

    def spread(
        self, files: Sequence[str], work: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]], shape: pa.Schema, into: str
    ) -> None:
        """`contracts.engine.Spreading`: `mapInArrow` over Parquet rows, written as Parquet rows by whoever made them."""
        from pyspark.errors import PySparkException

        columns = ", ".join(f"{field.name} {NAMES[str(field.type)]}" for field in shape)
        with self._set(SPREAD | self._tasks()):
            try:
                made = self._session.read.parquet(*map(literal, files)).mapInArrow(work, columns)
                made.write.mode("error").options(**WRITE).parquet(into)
            except PySparkException as error:
                raise broken(error) from None

    def _tasks(self) -> dict[str, str]:
        """Some tasks for each core, however little there is to read: what is small on disk may be much work."""
        context = getattr(self._session, "sparkContext", None)
        return {} if context is None else {"spark.sql.files.minPartitionNum": str(4 * context.defaultParallelism)}

    @contextmanager
    def _set(self, settings: Mapping[str, str]) -> Iterator[None]:
        """Settings of the session for a while."""
        before = {name: self._session.conf.get(name, None) for name in settings}
        for name, value in settings.items():
            self._session.conf.set(name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                self._session.conf.unset(name) if value is None else self._session.conf.set(name, value)

    def close(self) -> None:
        """Stop the session that was made here."""
        if self._own and "_session" in self.__dict__:
            self._session.stop()


def literal(path: str) -> str:
    """A path that means itself: Spark reads brackets, braces and stars as a pattern."""
    return PATTERN.sub(r"\\\1", path)


def broken(error: Exception) -> Exception:
    """Our own messages hold no values and are passed on; Spark's may, and are not."""
    said = str(error)
    if MARK in said:
        return ViewError(said.split(MARK, 1)[1].splitlines()[0].split(" SQLSTATE")[0].strip())
    return Fault("E331", "the query broke while running", why=type(error).__name__, help="trivet doctor")
