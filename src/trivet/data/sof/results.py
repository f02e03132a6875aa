"""Rows of views as Arrow, and Arrow as rows: a decimal travels as its digits and arrives as `Decimal`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

import pyarrow as pa

from trivet.data.sof.plan import Output

__all__ = ["batch", "parts", "rows", "schema"]

TYPES = {"bool": pa.bool_(), "int": pa.int64()}
PART = 50_000


def schema(outputs: Sequence[Output]) -> pa.Schema:
    """The Arrow schema of a view's columns."""
    fields = []
    for output in outputs:
        type_ = TYPES.get(output.kind, pa.string())
        metadata = {"fhir": "decimal"} if output.kind == "decimal" else None
        fields.append(pa.field(output.name, pa.list_(type_) if output.many else type_, metadata=metadata))
    return pa.schema(fields)


def rows(table: pa.Table | pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    """Python rows, decimals with the digits they came with."""
    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        held = column.to_pylist()
        columns.append([_decimal(value) for value in held] if (field.metadata or {}).get(b"fhir") == b"decimal" else held)
    return zip(*columns, strict=True)


def _decimal(value: Any) -> Any:
    if isinstance(value, list):
        return [_decimal(one) for one in value]
    return None if value is None else Decimal(value)


def batch(found: Sequence[tuple[Any, ...]], shape: pa.Schema) -> pa.RecordBatch:
    """Python rows in the columns of a schema."""
    columns = list(zip(*found, strict=True)) if found else [()] * len(shape)
    arrays = []
    for field, column in zip(shape, columns, strict=True):
        inner = field.type.value_type if pa.types.is_list(field.type) else field.type
        held = [_text(value) for value in column] if inner == pa.string() else list(column)
        arrays.append(pa.array(held, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=shape)


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return [_text(one) for one in value]
    return value if value is None or isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def parts(found: Iterable[tuple[Any, ...]], shape: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Python rows as batches."""
    reading = iter(found)
    while part := list(islice(reading, PART)):
        yield batch(part, shape)
