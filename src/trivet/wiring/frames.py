"""What the Python door gives back: columns, as Arrow, Polars, pandas, or plain rows.

In: an Arrow table. Out: the same cells in the shape that is asked for. Refused: a library that is not installed (E134).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from trivet.contracts.feature import FeatureRow
from trivet.kernel import jsontext
from trivet.kernel.clock import parse_instant
from trivet.kernel.errors import Fault

__all__ = ["FeatureFrame", "Frame", "PersonFrame"]


class Frame:
    """Rows and columns. `as_of` is the position that was asked for (None: now), `left_out` how many persons refuse the purpose,
    `policies` those that permitted it."""

    def __init__(self, table: pa.Table, *, as_of: int | None = None, left_out: int = 0, policies: tuple[str, ...] = ()) -> None:
        self._table, self.as_of, self.left_out, self.policies = table, as_of, left_out, policies

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._table.column_names)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for part in self._table.to_batches(max_chunksize=10_000):
            yield from part.to_pylist()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self)} rows: {', '.join(self.columns)}>"  # never a cell: it may be a patient's

    def arrow(self) -> pa.Table:
        """The Arrow table; nothing is copied."""
        return self._table

    def rows(self) -> list[dict[str, Any]]:
        """One dict a row. Exact decimals are `decimal.Decimal`, nothing is NaN, what is not there is None."""
        return list(self)

    def polars(self) -> Any:
        """A Polars frame; decimals stay `Decimal`. Fault E134 without Polars."""
        return _library("polars").from_arrow(self._table)

    def pandas(self) -> Any:
        """A pandas frame on Arrow types: whole numbers with gaps stay whole, decimals stay exact. Fault E134 without pandas."""
        pandas = _library("pandas")
        return self._table.to_pandas(types_mapper=pandas.ArrowDtype)


class PersonFrame(Frame):
    """One person's records at a position: key, type, id, version, valid_at, known_seq, receipt, source, and `body`, its exact JSON."""

    def resources(self, kind: str = "") -> list[dict[str, Any]]:
        """The FHIR resources (of one type); numbers with a fraction are `Decimal` with the digits that came."""
        bodies, types = self._table["body"].to_pylist(), self._table["type"].to_pylist()
        return [jsontext.loads(body) for body, held in zip(bodies, types, strict=True) if kind in ("", held)]


class FeatureFrame(Frame):
    """One row a case: person, instant, as_of, view_digest, and a column of doubles for each feature, its unit in the field's metadata."""

    def __init__(self, view: dict[str, Any], rows: list[FeatureRow], *, left_out: int) -> None:
        self._rows = rows
        names = [(feature["name"], feature["unit"]) for feature in view["features"]]
        fields = [*CASE, *(pa.field(name, pa.float64(), metadata={"unit": unit}) for name, unit in names)]
        values = [[row.values[place].value for row in rows] for place in range(len(names))]
        super().__init__(pa.table([*_cases(rows), *values], schema=pa.schema(fields)), left_out=left_out)

    def long(self) -> Frame:
        """One row a value: its unit, the time of its newest fact, its facts (record, version, path), or what was looked for."""
        rows = [row for row in self._rows for _ in row.values]
        values = [value for row in self._rows for value in row.values]
        facts = [[one._asdict() for one in value.contributions] for value in values]
        told = [
            [value.name for value in values],
            [value.value for value in values],
            [value.unit for value in values],
            [value.newest_at or None for value in values],
            [value.absence or None for value in values],
            facts,
        ]
        return Frame(pa.table([*_cases(rows), *told], schema=pa.schema([*CASE, *VALUE])), left_out=self.left_out)


CASE = (
    pa.field("person", pa.string()),
    pa.field("instant", pa.timestamp("us", "UTC")),
    pa.field("as_of", pa.int64()),
    pa.field("view_digest", pa.string()),
)
FACT = pa.struct([("record", pa.string()), ("version", pa.int64()), ("path", pa.string())])
VALUE = (
    pa.field("feature", pa.string()),
    pa.field("value", pa.float64()),
    pa.field("unit", pa.string()),
    pa.field("newest_at", pa.string()),
    pa.field("absence", pa.string()),
    pa.field("facts", pa.list_(FACT)),
)


def _cases(rows: list[FeatureRow]) -> list[list[Any]]:
    return [
        [row.person for row in rows],
        [parse_instant(row.instant) for row in rows],
        [row.as_of for row in rows],
        [row.view_digest for row in rows],
    ]


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise Fault("E134", f"{name} is not installed", why="it is an extra", help=f"pip install 'trivet[{name}]'") from None
