"""`trivet translate` on an engine: the same pure function over rows of batches, on every core that the engine has.

In: what `translate_paths` takes, and an engine that can spread work. Out: the same four files, byte for byte. Files are cut into
units here, by their formats, and spooled as Parquet beside the output, small files many in a row (a row of its own for each of a
hundred thousand messages costs more than to translate them); the engine translates rows of the spool in any order and
writes Parquet; its rows are taken in the order of inputs and units. Held at once: some batches, never a file. Wherever the engine
works must be able to read and write the folder `out`. Refused: an engine that runs no code of ours.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from trivet.contracts.engine import Spreading
from trivet.contracts.envelope import Piece, Unit
from trivet.contracts.ports import Format
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element
from trivet.integration.coverage import Tally
from trivet.integration.translate import BATCH_BYTES, BATCH_UNITS, Batch, Rendered, batches
from trivet.kernel.errors import Rejected, Usage
from trivet.wiring import formats as registry
from trivet.wiring.engines import open_engine
from trivet.wiring.lane import work
from trivet.wiring.translate import Summary, Taking, Writer, read_input, walk

if TYPE_CHECKING:
    import pyarrow

__all__ = ["in_order", "translate_on", "translate_over"]

GROUP_BYTES = 4 << 20  # of rows in a row group of the spool, one large unit excepted: what is given to one core at a time
HELD = 4  # row groups of what came back that are held while rows are taken in order
LINES = ("records", "lineage", "rejects")


class Asked(msgspec.Struct, array_like=True):
    """A batch of one input as it crosses to the engine; a row of the spool holds some: `BATCH_BYTES` of them, or `BATCH_UNITS` units."""

    input: str
    format: str
    first: int
    units: list[tuple[bytes, int, list[tuple[int, int]]]]


class Said(msgspec.Struct, array_like=True):
    """What a batch says beside its lines, as it crosses back. `sizes` are the bytes of its lines among those of the row."""

    sizes: tuple[int, int, int]
    own: Tally
    shared: list[tuple[int, Element]]
    counts: dict[str, int]
    types: dict[str, int]
    notices: dict[str, int]


class Input(NamedTuple):
    """One input as it was read: `batches` of it are in the spool. `refused` is why (the rest of) it was not taken."""

    summary: Summary
    batches: int
    refused: Rejected | None


def translate_on(
    engine: str,
    paths: Iterable[Path],
    out: Path,
    profile: SourceProfile,
    *,
    tell: Callable[[Summary], None] = lambda summary: None,
    options: Mapping[str, Any] | None = None,
) -> Summary:
    """Translate files and folders into `out` on an engine; the sum of it all. `options` are the engine's own."""
    opened = open_engine(engine, folders=[str(out.resolve())], **(options or {}))
    try:
        if not hasattr(opened, "spread"):
            raise Usage("E355", f"engine {engine} translates no files", why="it runs SQL only", help="trivet translate --engine spark")
        return translate_over(cast(Spreading, opened), paths, out, profile, tell=tell)
    finally:
        opened.close()


def translate_over(
    engine: Spreading,
    paths: Iterable[Path],
    out: Path,
    profile: SourceProfile,
    *,
    tell: Callable[[Summary], None] = lambda summary: None,
) -> Summary:
    """The same on an engine that is open."""
    known = registry.load()
    if profile.format != "auto":
        registry.get(known, profile.format)
    out.mkdir(parents=True, exist_ok=True)
    spool = out / ".spool"
    units, answers = (spool / "units.parquet").resolve(), (spool / "answers").resolve()
    shutil.rmtree(spool, ignore_errors=True)  # of a run that died: it holds what files held
    spool.mkdir(mode=0o700)
    try:
        inputs = deque(spooled(walk(paths), units, profile, known))
        if any(one.batches for one in inputs):
            engine.spread([str(units)], partial(translated, profile), answer_shape(), str(answers))
        return taken(inputs, out, answers, tell)
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def spooled(paths: Iterable[Path], file: Path, profile: SourceProfile, formats: Mapping[str, Format]) -> Iterator[Input]:
    """Cut every input into batches of units and write them down; what became of each input."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    shape = asked_shape()
    with pq.ParquetWriter(file, shape, compression="zstd") as writer:
        row, rows = list[Asked](), list[bytes]()
        number, size, many = 0, 0, 0

        def close_row() -> None:
            nonlocal size, many
            if row:
                rows.append(msgspec.msgpack.encode(row))
            row.clear()
            size, many = 0, 0

        def write() -> None:
            nonlocal number
            if rows:
                numbers = range(number, number + len(rows))
                writer.write_table(pa.table([numbers, rows], schema=shape), row_group_size=len(rows))
                number += len(rows)
            rows.clear()

        for path in paths:
            summary, refused, count = Summary(input=path.as_posix()), list[Rejected](), 0

            def spool(form: Format, raw: Any, _: SourceProfile, name: str = summary.input) -> None:
                nonlocal count, size, many
                for batch in batches(name, form.split(raw)):
                    row.append(
                        Asked(name, form.name, batch.first, [(bytes(one.raw), one.context, list(one.pieces)) for one in batch.units])
                    )
                    count, size, many = count + 1, size + sum(len(unit.raw) for unit in batch.units), many + len(batch.units)
                    if size >= BATCH_BYTES or many >= BATCH_UNITS:
                        close_row()
                    if sum(map(len, rows)) >= GROUP_BYTES:
                        write()

            read_input(path, summary, profile, formats, refused.append, spool)
            yield Input(summary, count, refused[0] if refused else None)
        close_row()
        write()


def translated(profile: SourceProfile, parts: Iterator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    """Rows of batches to rows of lines: what runs on the engine. Nothing else is read or written."""
    import pyarrow as pa

    shape = answer_shape()
    for part in parts:
        for held in part.to_pylist():
            lines, said = [bytearray(), bytearray(), bytearray()], list[Said]()
            for asked in msgspec.msgpack.decode(held["batches"], type=list[Asked]):
                units = tuple(Unit(raw, tuple(Piece(*piece) for piece in pieces), context) for raw, context, pieces in asked.units)
                done = work(asked.format, replace(profile, format=asked.format), Batch(asked.input, asked.first, units))
                sizes = (len(done.records), len(done.lineage), len(done.rejects))
                said.append(Said(sizes, done.own, done.shared, done.counts, done.types, done.notices))
                for mine, more in zip(lines, (done.records, done.lineage, done.rejects), strict=True):
                    mine += more
            values = [held["number"], 0, *map(bytes, lines), msgspec.msgpack.encode(said)]
            yield pa.record_batch([pa.array([value], field.type) for value, field in zip(values, shape, strict=True)], schema=shape)


def taken(inputs: deque[Input], out: Path, folder: Path, tell: Callable[[Summary], None]) -> Summary:
    """What came back, in the order of inputs and of their units, as the four files."""
    with ExitStack() as stack:
        writer = Writer(out, stack)
        answers = rendered(in_order(folder))
        while inputs:  # each is let go when it is done: there may be a million
            summary, count, refused = inputs.popleft()
            taking = Taking(summary, writer)
            for _ in range(count):
                taking.take(next(answers))
            if refused:
                writer.refuse(summary, refused)
            writer.close_input(summary)
            tell(summary)
        writer.finish()
        return writer.total


def rendered(answers: Iterable[dict[str, Any]]) -> Iterator[Rendered]:
    """The batches of the rows that came back."""
    for answer in answers:
        at = [0, 0, 0]
        for said in msgspec.msgpack.decode(answer["said"], type=list[Said]):
            records, lineage, rejects = (
                answer[name][begin : begin + size] for name, begin, size in zip(LINES, at, said.sizes, strict=True)
            )
            at = [begin + size for begin, size in zip(at, said.sizes, strict=True)]
            yield Rendered(records, lineage, rejects, said.own, said.shared, said.counts, said.types, said.notices)


def in_order(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of a folder of Parquet files by `number` and `first`; a few row groups are held at a time."""
    import pyarrow.parquet as pq

    files = [pq.ParquetFile(path) for path in sorted(folder.glob("*.parquet"))]
    places = []
    for file, held in enumerate(files):
        for group in range(held.num_row_groups):
            keys = held.read_row_group(group, ["number", "first"])
            places += [
                (*key, file, group, row) for row, key in enumerate(zip(*(column.to_pylist() for column in keys.columns), strict=True))
            ]
    groups: dict[tuple[int, int], pyarrow.Table] = {}
    for _, _, file, group, row in sorted(places):
        if (file, group) not in groups:
            if len(groups) >= HELD:
                groups.pop(next(iter(groups)))
            groups[file, group] = files[file].read_row_group(group)
        yield from groups[file, group].slice(row, 1).to_pylist()
    for held in files:
        held.close()


def asked_shape() -> pyarrow.Schema:
    """A row of the spool: some batches."""
    import pyarrow as pa

    return pa.schema([("number", pa.int64()), ("batches", pa.binary())])


def answer_shape() -> pyarrow.Schema:
    """A row that comes back: the lines of its batches, and where each of them ends."""
    import pyarrow as pa

    lines = [(name, pa.binary()) for name in (*LINES, "said")]
    return pa.schema([("number", pa.int64()), ("first", pa.int64()), *lines])
