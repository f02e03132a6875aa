"""Features of a large cohort on an engine: the same definition and the same statements over each part, on every core that it has.

In: feature views of a home, a cohort (person, instant, ledger position), an engine that can spread work, a folder that it reads and
writes. Out: the rows that `FeatureViews.many` gives, in the cohort's order. Each part of the cohort crosses with its own persons'
versions and links, as of its positions, so a worker reads no store and nothing later can leak in.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from trivet.contracts.engine import Spreading
from trivet.contracts.feature import FeatureRow
from trivet.data.features import FeatureViews, Part
from trivet.wiring.bulk_translate import in_order

if TYPE_CHECKING:
    from trivet.data.features import Case

__all__ = ["features_over"]

HELD = 8  # parts whose rows are held while they are given in the cohort's order
ANSWER = pa.schema([("number", pa.int64()), ("first", pa.int64()), ("rows", pa.binary())])
ASKED = pa.schema([("number", pa.int64()), ("cases", pa.binary()), ("versions", pa.binary()), ("links", pa.binary())])


def features_over(engine: Spreading, features: FeatureViews, view: str, cohort: Sequence[Case], folder: Path) -> Iterator[FeatureRow]:
    """The rows of a cohort. `folder` is made, and removed at the end: it holds what is known of persons. NotFound for nobody's name."""
    import pyarrow.parquet as pq

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    asked, answers = (folder / "parts.parquet").resolve(), (folder / "answers").resolve()
    places: dict[int, tuple[int, int]] = {}
    try:
        with pq.ParquetWriter(asked, ASKED, compression="zstd") as writer:
            for number, part in enumerate(features.parts(view, cohort)):
                places.update((case, (number, row)) for row, case in enumerate(part.numbers))
                cases = msgspec.msgpack.encode(part.cases)
                held = {"number": number, "cases": cases, "versions": _ipc(part.versions), "links": _ipc(part.links)}
                writer.write_table(pa.Table.from_pylist([held], ASKED))
        if places:
            engine.spread([str(asked)], partial(answered, view), ANSWER, str(answers))
        found = [answer["rows"] for answer in in_order(answers)]  # packed: a row in Python is ten times as large

        @lru_cache(maxsize=HELD)
        def rows(number: int) -> list[FeatureRow]:
            return msgspec.msgpack.decode(found[number], type=list[FeatureRow])

        for case in range(len(cohort)):
            number, row = places[case]
            yield rows(number)[row]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def answered(view: str, parts: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Parts of a cohort to their rows: what runs on the engine."""
    for batch in parts:
        for held in batch.to_pylist():
            cases = msgspec.msgpack.decode(held["cases"], type=list[tuple[str, str, int]])
            part = Part([], cases, _table(held["versions"]), _table(held["links"]))
            rows = msgspec.msgpack.encode(_desk().part(view, part))
            values = [[held["number"]], [0], [rows]]
            yield pa.record_batch([pa.array(value, field.type) for value, field in zip(values, ANSWER, strict=True)], schema=ANSWER)


@cache
def _desk() -> FeatureViews:
    """The feature views of a worker: parts bring all that they are answered from."""
    return FeatureViews(_Nothing())


class _Nothing:
    """No versions but those that a part brings."""

    def versions(self, person: str | None = None, as_of: int | None = None) -> Any:
        raise LookupError("a part brings its versions")


def _ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _table(raw: bytes) -> pa.Table:
    return pa.ipc.open_stream(raw).read_all()
