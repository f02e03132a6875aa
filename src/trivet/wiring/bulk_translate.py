"""`trivet translate` on an engine: the same pure function over (input, number, units) rows, on every core that the engine has.

In: what `translate_paths` takes, and an engine that can spread work. Out: the same four files, byte for byte. Files are cut into
units here, by their formats, and spooled as Parquet beside the output; the engine translates rows of the spool in any order and
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
from trivet.integration.translate import Batch, Rendered, batches
from trivet.kernel.errors import Rejected, Usage
from trivet.wiring import formats as registry
from trivet.wiring.engines import open_engine
from trivet.wiring.translate import Summary, Taking, Writer, read_input, walk, work

if TYPE_CHECKING:
    import pyarrow

__all__ = ["in_order", "translate_on", "translate_over"]

GROUP_BYTES = 8 << 20  # of units in a row group of the spool, one large unit excepted
HELD = 4  # row groups of what came back that are held while rows are taken in order
LINES = ("records", "lineage", "rejects")


class Said(msgspec.Struct, array_like=True):
    """What a batch says beside its lines, as it crosses between processes."""

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

    shape = unit_shape()
    with pq.ParquetWriter(file, shape, compression="zstd") as writer:
        rows: list[dict[str, Any]] = []
        size = 0

        def write() -> None:
            nonlocal size
            if rows:
                writer.write_table(pa.Table.from_pylist(rows, shape), row_group_size=len(rows))
            rows.clear()
            size = 0

        for number, path in enumerate(paths):
            summary, refused, count = Summary(input=path.as_posix()), list[Rejected](), 0

            def spool(form: Format, raw: Any, _: SourceProfile, number: int = number, name: str = summary.input) -> None:
                nonlocal count, size
                for batch in batches(name, form.split(raw)):
                    rows.append({"number": number, "input": name, "format": form.name, "first": batch.first, "units": _rows(batch)})
                    count, size = count + 1, size + sum(len(unit.raw) for unit in batch.units)
                    if size >= GROUP_BYTES:
                        write()

            read_input(path, summary, profile, formats, refused.append, spool)
            yield Input(summary, count, refused[0] if refused else None)
        write()


def _rows(batch: Batch) -> list[dict[str, Any]]:
    return [
        {"raw": bytes(one.raw), "context": one.context, "pieces": [{"offset": at, "length": length} for at, length in one.pieces]}
        for one in batch.units
    ]


def translated(profile: SourceProfile, parts: Iterator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    """Rows of units to rows of lines: what runs on the engine. Nothing else is read or written."""
    import pyarrow as pa

    shape = answer_shape()
    for part in parts:
        for row in range(part.num_rows):
            [held] = part.slice(row, 1).to_pylist()
            units = tuple(
                Unit(one["raw"], tuple(Piece(piece["offset"], piece["length"]) for piece in one["pieces"]), one["context"])
                for one in held["units"]
            )
            done = work(held["format"], replace(profile, format=held["format"]), Batch(held["input"], held["first"], units))
            said = msgspec.msgpack.encode(Said(done.own, done.shared, done.counts, done.types, done.notices))
            values = [held["number"], held["first"], done.records, done.lineage, done.rejects, said]
            yield pa.record_batch([pa.array([value], field.type) for value, field in zip(values, shape, strict=True)], schema=shape)


def taken(inputs: deque[Input], out: Path, folder: Path, tell: Callable[[Summary], None]) -> Summary:
    """What came back, in the order of inputs and of their units, as the four files."""
    with ExitStack() as stack:
        writer = Writer(out, stack)
        answers = in_order(folder)
        while inputs:  # each is let go when it is done: there may be a million
            summary, count, refused = inputs.popleft()
            taking = Taking(summary, writer)
            for _ in range(count):
                taking.take(rendered(next(answers)))
            if refused:
                writer.refuse(summary, refused)
            writer.close_input(summary)
            tell(summary)
        writer.finish()
        return writer.total


def rendered(answer: dict[str, Any]) -> Rendered:
    """A row that came back."""
    said = msgspec.msgpack.decode(answer["said"], type=Said)
    records, lineage, rejects = (answer[name] for name in LINES)
    return Rendered(records, lineage, rejects, said.own, said.shared, said.counts, said.types, said.notices)


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


def unit_shape() -> pyarrow.Schema:
    """A row of the spool: one batch of units."""
    import pyarrow as pa

    piece = pa.struct([("offset", pa.int64()), ("length", pa.int64())])
    unit = pa.struct([("raw", pa.binary()), ("context", pa.int64()), ("pieces", pa.list_(piece))])
    return pa.schema(
        [("number", pa.int64()), ("input", pa.string()), ("format", pa.string()), ("first", pa.int64()), ("units", pa.list_(unit))]
    )


def answer_shape() -> pyarrow.Schema:
    """A row that comes back: the lines of one batch."""
    import pyarrow as pa

    lines = [(name, pa.binary()) for name in (*LINES, "said")]
    return pa.schema([("number", pa.int64()), ("first", pa.int64()), *lines])
