"""Rows as Arrow tables of the model's shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from trivet.data.omop.model import Table, cdm
from trivet.data.omop.vocabulary import shipped

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["arrow", "embedded_tables", "schema"]


def schema(table: Table) -> pa.Schema:
    """Arrow types of a table."""
    import pyarrow as pa

    kinds = {
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
        "double precision": pa.float64(),
    }
    return pa.schema([(column.name, kinds.get(column.sql, pa.string())) for column in table.columns])


def arrow(table: Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of one table; what a row does not say is null."""
    import pyarrow as pa

    shape = schema(table)
    arrays = [pa.array([row.get(field.name) for row in rows], field.type) for field in shape]
    return pa.Table.from_arrays(arrays, schema=shape)


def embedded_tables() -> Iterator[tuple[Table, Iterator[pa.Table]]]:
    """The vocabulary tables of what ships: the concepts, and the vocabularies, domains and classes that they name."""
    concepts = shipped()
    always = {"valid_start_date": date(1970, 1, 1), "valid_end_date": date(2099, 12, 31)}
    rows = {
        "concept": [
            {
                "concept_id": one.id,
                "concept_name": one.name,
                "domain_id": one.domain,
                "vocabulary_id": one.vocabulary,
                "concept_class_id": one.kind,
                "standard_concept": one.standard or None,
                "concept_code": one.code,
            }
            | always
            for one in concepts
        ],
        "vocabulary": [
            {"vocabulary_id": name, "vocabulary_name": name, "vocabulary_concept_id": 0}
            for name in sorted({one.vocabulary for one in concepts})
        ],
        "domain": [{"domain_id": name, "domain_name": name, "domain_concept_id": 0} for name in sorted({one.domain for one in concepts})],
        "concept_class": [
            {"concept_class_id": name, "concept_class_name": name, "concept_class_concept_id": 0}
            for name in sorted({one.kind for one in concepts})
        ],
    }
    for name, held in rows.items():
        yield cdm()[name], iter([arrow(cdm()[name], held)])
