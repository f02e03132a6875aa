"""`trivet check` on an engine: the same statement of each check, in an embedded DuckDB over each part of what it reads.

In: an engine that can spread work, the relations that the checks read, a folder that it reads and writes. Out: what the checks count
here, row for row. Each relation is cut as `maps/quality/cuts.csv` says, into as many parts as it has rows for, and written once for all
checks that cut it so; checks and parts are dealt out together, so that a small home costs no more than its checks. Counts of parts are
added. A part that breaks breaks its check.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from trivet.contracts.engine import Spreading
from trivet.contracts.house import House
from trivet.data.checklist import Check, shipped_checks
from trivet.data.counting import HERE, Counted, Cut, added, count, cuts
from trivet.data.query import WORD
from trivet.kernel.errors import Usage
from trivet.kernel.resources import text
from trivet.wiring.bulk_translate import in_order
from trivet.wiring.engines import open_engine

if TYPE_CHECKING:
    import pyarrow

    from trivet.data.engines.duck import DuckEngine

__all__ = ["HERE", "SpreadCounting", "counting_on"]

PARTS = 16
"""Parts into which a relation is cut at most, and tasks that all checks are dealt to; what an engine has more of cores stays idle."""
ROWS = 50_000
"""Rows of a relation that are worth a part: to plan a check costs as much as to count some thousand rows."""


class Task(msgspec.Struct, array_like=True):
    """One check over one part: relation -> the Parquet file that holds it."""

    check: str
    relations: dict[str, str]


@contextmanager
def counting_on(engine: str, house: House, options: Mapping[str, Any] | None = None) -> Iterator[SpreadCounting]:
    """Checks of a home on an engine. `options` are the engine's own. The spool lies in the home, and is removed at the end."""
    folder = (Path(house.home) / ".checks.spool").resolve()
    opened = open_engine(engine, folders=[str(folder)], **(options or {}))
    try:
        if not hasattr(opened, "spread"):
            raise Usage("E358", f"the checks are not run on {engine}", why="it runs no code of ours", help="trivet check --engine spark")
        yield SpreadCounting(cast(Spreading, opened), folder)
    finally:
        opened.close()


class SpreadCounting:
    """`data.counting.Counting` on an engine. `folder` is made for each round, and removed: it holds what is known of persons."""

    def __init__(self, engine: Spreading, folder: Path, parts: int = PARTS, rows: int = ROWS) -> None:
        self._engine, self._folder, self._parts, self._rows = engine, folder, parts, rows

    def counted(self, engine: DuckEngine, checks: Sequence[Check], kept: int) -> dict[str, Counted]:
        """The checks counted in parts; `engine` holds their relations. What reads a relation that nobody cut is broken."""
        if not checks:
            return {}
        shutil.rmtree(self._folder, ignore_errors=True)  # of a run that died
        self._folder.mkdir(mode=0o700, parents=True)
        try:
            wanted = {cut for check in checks for cut in cuts().get(check.check, ())}
            parts = self._wanted(engine, wanted)
            places = {cut: self._written(engine, cut, number, parts if cut.by else 1) for number, cut in enumerate(sorted(wanted))}
            asked = self._asked([check.check for check in checks], places)
            answers = self._folder / "answers"
            self._engine.spread(asked, partial(answered, str(self._folder), kept), answer_shape(), str(answers))
            found: dict[str, list[Counted]] = {check.check: [] for check in checks}
            for answer in in_order(answers):
                for name, said in msgspec.msgpack.decode(answer["said"], type=list[tuple[str, Counted]]):
                    found[name].append(said)
            return {name: added(parts, kept) for name, parts in found.items()}
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _wanted(self, engine: DuckEngine, wanted: Iterable[Cut]) -> int:
        """Into how many parts: what is cut together is cut alike, so the largest relation decides."""
        sql = text("trivet.wiring", "sql", "check_size.sql")
        names = sorted({cut.relation for cut in wanted if cut.by})
        sizes = [int(engine.run(sql.format(relation=name))["size"][0].as_py()) for name in names]
        return min(self._parts, max([1, *(-(-size // self._rows) for size in sizes)]))

    def _written(self, engine: DuckEngine, cut: Cut, number: int, parts: int) -> list[str]:
        """A relation as the Parquet files of its parts, in the order of its rows."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        sql = text("trivet.wiring", "sql", "check_part.sql")
        keys = ", ".join(f"CAST({column} AS VARCHAR)" for column in cut.by) or "0"
        shape = _shape(engine, cut.relation)
        columns = ", ".join(f'"{name}"' for name in shape.names)
        paths = [str(self._folder / f"{number}-{cut.relation}-{part}.parquet") for part in range(parts)]
        writers = [pq.ParquetWriter(path, shape, compression="zstd") for path in paths]
        for batch in engine.batches(sql.format(columns=columns, keys=keys, parts=parts, relation=cut.relation)):
            held = batch.select(shape.names)
            for part, writer in enumerate(writers):
                writer.write_batch(held.filter(pc.equal(batch["part"], part)) if cut.by else held)
        for writer in writers:
            writer.close()
        return paths

    def _asked(self, checks: Sequence[str], places: Mapping[Cut, Sequence[str]]) -> list[str]:
        """Files of tasks: one check over one part of each relation it cuts and the whole of the others, dealt out one by one."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        tasks = []
        for name in checks:
            read = cuts().get(name, ())
            for part in range(max([1, *(len(places[cut]) for cut in read)])):
                tasks.append(Task(name, {cut.relation: places[cut][part if cut.by else 0] for cut in read}))
        files = []
        for number in range(self._parts):
            path = str(self._folder / f"tasks-{number}.parquet")
            dealt = msgspec.msgpack.encode(tasks[number :: self._parts])
            pq.write_table(pa.table([[number], [dealt]], schema=asked_shape()), path)
            files.append(path)
        return files


def _shape(engine: DuckEngine, relation: str) -> pyarrow.Schema:
    """The columns of a relation that some check names: the others are not written."""
    import pyarrow as pa

    reading = [check.sql for check in shipped_checks() if any(cut.relation == relation for cut in cuts().get(check.check, ()))]
    said = set(WORD.findall(" ".join(reading)))
    head = engine.run(text("trivet.wiring", "sql", "check_head.sql").format(relation=relation))
    return pa.schema([field for field in head.schema if field.name in said])


def answered(folder: str, kept: int, parts: Iterator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    """Tasks to counts: what runs on the engine. Each task reads its own files and nothing else."""
    import pyarrow as pa

    from trivet.data.engines.duck import DuckEngine

    for batch in parts:
        for held in batch.to_pylist():
            said = []
            engine = DuckEngine(threads=1, memory="1GB", folders=[folder], spill=f"{folder}/spill-{os.getpid()}")
            try:
                for task in msgspec.msgpack.decode(held["tasks"], type=list[Task]):
                    for relation, path in task.relations.items():
                        engine.parquet(relation, [path])
                    said.append((task.check, count(engine, task.check, kept)))
                    for relation in task.relations:  # of the next check it may be cut otherwise, or not at all
                        engine.forget(relation)
            finally:
                engine.close()
            values = [held["number"], 0, msgspec.msgpack.encode(said)]
            yield pa.record_batch(
                [pa.array([value], field.type) for value, field in zip(values, answer_shape(), strict=True)], answer_shape()
            )


def asked_shape() -> pyarrow.Schema:
    """A row of the spool: some tasks."""
    import pyarrow as pa

    return pa.schema([("number", pa.int64()), ("tasks", pa.binary())])


def answer_shape() -> pyarrow.Schema:
    """A row that comes back: what each check counted in its part."""
    import pyarrow as pa

    return pa.schema([("number", pa.int64()), ("first", pa.int64()), ("said", pa.binary())])
