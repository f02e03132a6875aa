"""`trivet link` for tables on an engine: candidate pairs are compared by the functions that compare them here, on every core it has.

In: tables of persons, an engine that can spread work, a folder that it reads and writes. Out: the file that `trivet link` writes
without an engine, byte for byte. Blocking, fitting and clustering need all pairs at once and are numbers only: they stay here. Letters
are compared there, a row of the spool for each hundred thousand pairs, in the order in which they were found.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from trivet.contracts.engine import Spreading
from trivet.kernel.errors import Usage
from trivet.wiring.bulk_translate import in_order
from trivet.wiring.engines import open_engine
from trivet.wiring.linking import deduplicate_file, link_files

if TYPE_CHECKING:
    import numpy as np
    import pyarrow

    from trivet.data.identity.estimate import Estimate
    from trivet.data.identity.levels import Pairs
    from trivet.data.identity.table import Column, Ints

__all__ = ["SpreadComparing", "link_on"]

CHUNK = 100_000  # pairs in a row of the spool


def link_on(
    engine: str, source: Path, against: Path | None, mapped: Mapping[str, str], out: Path, options: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Link a table, by itself or against another one, on an engine. `options` are the engine's own. The spool lies beside `out`."""
    spool = (out.parent / f".{out.name}.spool").resolve()
    opened = open_engine(engine, folders=[str(spool)], **(options or {}))
    try:
        if not hasattr(opened, "spread"):
            raise Usage("E355", f"engine {engine} links no tables", why="it runs SQL only", help="trivet link --engine spark")
        with SpreadComparing(cast(Spreading, opened), spool) as by:
            return link_files(source, against, mapped, out, by) if against else deduplicate_file(source, mapped, out, by)
    finally:
        opened.close()


class SpreadComparing:
    """`data.identity.resolve.Comparing` on an engine. `folder` is made, and removed at the end: it holds what a table says of persons."""

    def __init__(self, engine: Spreading, folder: Path) -> None:
        self._engine, self._folder, self._turn = engine, folder, 0

    def __enter__(self) -> SpreadComparing:
        shutil.rmtree(self._folder, ignore_errors=True)  # of a run that died
        self._folder.mkdir(mode=0o700, parents=True)
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def every(self, columns: Mapping[str, Column], left: Ints, right: Ints) -> Pairs:
        """`compare_all` of the pairs."""
        return self._spread(columns, left, right, compared)

    def reaching(self, columns: Mapping[str, Column], left: Ints, right: Ints, known: Estimate, least: float) -> Pairs:
        """`reachable` of the pairs."""
        return self._spread(columns, left, right, partial(reached, known, least))

    def _spread(self, columns: Mapping[str, Column], left: Ints, right: Ints, how: How) -> Pairs:
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        from trivet.data.identity.levels import Pairs

        self._turn += 1
        place = self._folder / str(self._turn)
        place.mkdir()
        table, asked, answers = place / "columns.arrow", place / "pairs.parquet", place / "answers"
        write_columns(table, columns)
        with pq.ParquetWriter(asked, asked_shape(), compression="zstd") as writer:
            for number, first in enumerate(range(0, len(left), CHUNK)):
                held = [number, *(packed(rows[first : first + CHUNK], np.int64) for rows in (left, right))]
                writer.write_table(pa.table([[value] for value in held], schema=asked_shape()))
        parts = list[dict[str, Any]]()
        if len(left):
            self._engine.spread([str(asked)], partial(answered, str(table), how), answer_shape(), str(answers))
            parts = list(in_order(answers))
        rows = [np.concatenate([np.empty(0, np.int64), *(np.frombuffer(part[side], np.int64) for part in parts)]) for side in SIDES]
        wide = [np.frombuffer(part["levels"], np.int8).reshape(len(columns), -1) for part in parts]
        levels = np.concatenate([np.empty((len(columns), 0), np.int8), *wide], axis=1)
        shutil.rmtree(place)
        return Pairs(rows[0], rows[1], dict(zip(columns, levels, strict=True)))


SIDES = ("left", "right")
How = Callable[[Mapping[str, "Column"], "Ints", "Ints"], "Pairs"]


def compared(columns: Mapping[str, Column], left: Ints, right: Ints) -> Pairs:
    """All pairs of a part with their levels."""
    from trivet.data.identity.levels import compare_all

    return compare_all(columns, left, right)


def reached(known: Estimate, least: float, columns: Mapping[str, Column], left: Ints, right: Ints) -> Pairs:
    """The pairs of a part that reach `least` bits."""
    from trivet.data.identity.estimate import reachable

    return reachable(columns, left, right, known, least)


def answered(table: str, how: How, parts: Iterator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    """Parts of the pairs to their levels: what runs on the engine. A field's levels stand behind those of the field before it."""
    import numpy as np
    import pyarrow as pa

    columns = read_columns(table, Path(table).stat().st_mtime_ns)
    for batch in parts:
        for held in batch.to_pylist():
            found = how(columns, *(np.frombuffer(held[side], np.int64) for side in SIDES))
            levels = b"".join(packed(found.levels[field], np.int8) for field in columns)
            values = [held["number"], 0, packed(found.left, np.int64), packed(found.right, np.int64), levels]
            yield pa.record_batch(
                [pa.array([value], field.type) for value, field in zip(values, answer_shape(), strict=True)], answer_shape()
            )


def packed(numbers: Any, kind: type[np.generic]) -> bytes:
    """Numbers as bytes of this kind."""
    import numpy as np

    return bytes(np.ascontiguousarray(numbers, dtype=kind).tobytes())


def write_columns(path: Path, columns: Mapping[str, Column]) -> None:
    """A table of persons, a row for each field."""
    import numpy as np
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, column_shape()) as writer:
        for one in columns.values():
            row = {"field": one.field, "kind": one.kind, "codes": packed(one.codes, np.int64), "values": one.values}
            writer.write_table(pa.Table.from_pylist([row], column_shape()))


@lru_cache(maxsize=1)
def read_columns(path: str, written: int) -> dict[str, Column]:
    """The same, read once by a worker; `written` tells one run's table from another's at the same path."""
    import numpy as np
    import pyarrow as pa

    from trivet.data.identity.table import Column

    with pa.memory_map(path) as file:
        rows = pa.ipc.open_file(file).read_all().to_pylist()
    return {row["field"]: Column(row["field"], row["kind"], np.frombuffer(row["codes"], np.int64), row["values"]) for row in rows}


def column_shape() -> pyarrow.Schema:
    """A row for each field."""
    import pyarrow as pa

    return pa.schema([("field", pa.string()), ("kind", pa.string()), ("codes", pa.large_binary()), ("values", pa.large_list(pa.string()))])


def asked_shape() -> pyarrow.Schema:
    """A row of the spool: the two rows of each pair."""
    import pyarrow as pa

    return pa.schema([("number", pa.int64()), *((side, pa.binary()) for side in SIDES)])


def answer_shape() -> pyarrow.Schema:
    """A row that comes back."""
    import pyarrow as pa

    return pa.schema([("number", pa.int64()), ("first", pa.int64()), *((side, pa.binary()) for side in (*SIDES, "levels"))])
