"""Shards of a MEDS dataset: Parquet files of whole persons, written a person at a time, unchanged persons taken over from the last build.

In: the file of the last build, who stays in it, the rows of who changed. Out: a file beside it, for the caller to put in place. Every
person's rows stand together, persons by subject_id: the same rows are the same bytes, however they came together.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from trivet.data.meds.events import Event

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["schema", "table", "write"]

GROUP = 100_000  # rows of a row group, at least: a person is never split over two
Subject = tuple[int, "pa.Table"]


def schema() -> pa.Schema:
    """MEDS 0.4's columns, and three of ours: the unit, since when the house knows it, what the source displays for the code."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("subject_id", pa.int64(), nullable=False),
            pa.field("time", pa.timestamp("us")),
            pa.field("code", pa.string(), nullable=False),
            pa.field("numeric_value", pa.float32()),
            pa.field("text_value", pa.large_string()),
            pa.field("unit", pa.string()),
            pa.field("known_time", pa.timestamp("us")),
            pa.field("code_display", pa.string()),
        ]
    )


def table(subject: int, rows: Sequence[Event]) -> pa.Table:
    """The rows of one person."""
    import pyarrow as pa

    columns = [[subject] * len(rows), *([row[place] for row in rows] for place in range(7))]
    return pa.table([pa.array(column, kept.type) for column, kept in zip(columns, schema(), strict=True)], schema=schema())


def write(into: Path, last: Path, staying: Set[int], fresh: Iterable[Subject]) -> int:
    """A shard: who is `staying` out of the last file, and the fresh ones by subject_id. Gives the rows; no file when there are none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows, pending, waiting, writer = 0, 0, list[pa.Table](), None
    into.parent.mkdir(parents=True, exist_ok=True)
    into.unlink(missing_ok=True)
    try:
        for _, part in heapq.merge(_kept(last, staying), fresh, key=lambda one: one[0]):
            waiting.append(part)
            rows, pending = rows + part.num_rows, pending + part.num_rows
            if pending >= GROUP:
                writer = writer or pq.ParquetWriter(into, schema(), compression="zstd")
                writer.write_table(pa.concat_tables(waiting).combine_chunks())
                waiting, pending = [], 0
        if waiting:
            writer = writer or pq.ParquetWriter(into, schema(), compression="zstd")
            writer.write_table(pa.concat_tables(waiting).combine_chunks())
    finally:
        if writer is not None:
            writer.close()
    return rows


def _kept(last: Path, staying: Set[int]) -> Iterator[Subject]:
    """The rows of who stays, person by person."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not staying or not last.is_file():
        return
    held: list[pa.Table] = []
    of = 0
    with pq.ParquetFile(last) as file:
        for batch in file.iter_batches(batch_size=65_536):
            part = pa.Table.from_batches([batch]).cast(schema())
            subjects = part["subject_id"].to_numpy()
            edges = [0, *(np.flatnonzero(np.diff(subjects)) + 1).tolist(), len(subjects)]
            for start, end in pairwise(edges):
                subject = int(subjects[start])
                if held and subject != of:
                    yield of, pa.concat_tables(held)
                    held = []
                of = subject
                if subject in staying:
                    held.append(part.slice(start, end - start))
    if held:
        yield of, pa.concat_tables(held)
