"""The shape of OMOP CDM 5.4 as data: tables, columns, types, what must be there. Out of `maps/omop/cdm54.csv` (OHDSI CommonDataModel).

Keys of rows are 64 bits wide (they are made from resource ids); everything else that the specification calls integer is one.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache

from trivet.kernel.resources import text

__all__ = ["VERSION", "Column", "Table", "cdm", "vocabulary_tables"]

VERSION = "5.4"
WIDTH = re.compile(r"varchar\((\d+)\)")
CLINICAL_KEYS = frozenset(
    {"person", "provider", "care_site", "location", "visit_occurrence", "visit_detail", "episode", "cost", "payer_plan_period", "note"}
)
VOCABULARY = (
    "concept",
    "vocabulary",
    "domain",
    "concept_class",
    "concept_relationship",
    "relationship",
    "concept_synonym",
    "concept_ancestor",
    "source_to_concept_map",
    "drug_strength",
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `type` as the specification writes it; `refers_to` names the table that it points into."""

    name: str
    type: str
    required: bool
    key: bool
    refers_to: str
    domain: str

    @property
    def wide(self) -> bool:
        """A key of a row of ours, not the id of a concept."""
        return self.type == "integer" and (self.key or self.refers_to in CLINICAL_KEYS) and not self.name.endswith("concept_id")

    @property
    def sql(self) -> str:
        """The type in DuckDB's and PostgreSQL's words, which are the same here."""
        if self.type == "integer":
            return "bigint" if self.wide or self.name in ("unique_device_id", "subject_id", "event_id") else "integer"
        return {"datetime": "timestamp", "float": "double precision", "varchar(max)": "text"}.get(self.type, self.type)

    @property
    def width(self) -> int | None:
        """Most characters of a text."""
        found = WIDTH.fullmatch(self.type)
        return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Table:
    """One table with its columns in order."""

    name: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    @property
    def key(self) -> str:
        """The primary key, or nothing."""
        return next((column.name for column in self.columns if column.key), "")

    @property
    def personal(self) -> bool:
        """Does every row speak of one person?"""
        return "person_id" in self.names

    def column(self, name: str) -> Column:
        """One column by name. KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")


@cache
def cdm() -> dict[str, Table]:
    """Every table of the model by name, in the specification's order."""
    found: dict[str, list[Column]] = {}
    for row in csv.DictReader(text("trivet.maps", "omop", "cdm54.csv").splitlines()):
        column = Column(row["column"], row["type"], row["required"] == "yes", row["key"] == "yes", row["refers_to"], row["domain"])
        found.setdefault(row["table"], []).append(column)
    return {name: Table(name, tuple(columns)) for name, columns in found.items()}


def vocabulary_tables() -> tuple[Table, ...]:
    """The tables that come from a vocabulary release and not from records."""
    return tuple(cdm()[name] for name in VOCABULARY)
