"""Which checks there are: the tables of check types and of tables, fields and concepts, multiplied out.

Shipped in `maps/dqd`; a folder of the operator's own may hold OHDSI's files (`OMOP_CDMv5.4_Field_Level.csv`, ...) or ours
(`field_level.csv`, ...) instead. Usage for a folder that lacks one, or a value that no check understands.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from trivet.kernel.errors import Usage
from trivet.kernel.resources import text

__all__ = ["STAGES", "Check", "check_types", "read_plan"]

STAGES = ("structure", "logic", "analysis")
LEVELS = ("table", "field", "concept")
OTHER = {
    # check: columns with the other table and field it speaks of
    "isForeignKey": ("fkTableName", "fkFieldName"),
    "plausibleTemporalAfter": ("plausibleTemporalAfterTableName", "plausibleTemporalAfterFieldName"),
    "plausibleStartBeforeEnd": ("", "plausibleStartBeforeEndFieldName"),
    "sourceValueCompleteness": ("", "standardConceptFieldName"),
}
VALUE = {
    "fkDomain": "fkDomain",
    "fkClass": "fkClass",
    "plausibleGender": "plausibleGender",
    "plausibleUnitConceptIds": "plausibleUnitConceptIds",
}
IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `id` is OHDSI's own; `value` is the limit, domain, class, sex or units it asks for; `threshold` percent, None is 0."""

    id: str
    name: str
    level: str
    table: str
    field: str
    concept: str
    unit: str
    other_table: str
    other_field: str
    value: str
    type: str
    threshold: float | None
    sql: str
    denominator: str
    stage: str
    severity: str
    context: str
    category: str
    subcategory: str
    about: str


@cache
def check_types() -> tuple[dict[str, str], ...]:
    """The rows of `maps/dqd/checks.csv`."""
    return tuple(csv.DictReader(text("trivet.maps", "dqd", "checks.csv").splitlines()))


def read_plan(folder: Path | None = None) -> tuple[Check, ...]:
    """Every check that the tables ask for, in the order of the check types."""
    levels = {level: _level(level, folder) for level in LEVELS}
    return tuple(check for kind in check_types() for check in _multiplied(kind, levels[kind["level"].lower()]))


def _level(level: str, folder: Path | None) -> list[dict[str, str]]:
    if folder is None:
        return list(csv.DictReader(text("trivet.maps", "dqd", f"{level}_level.csv").splitlines()))
    for name in (f"OMOP_CDMv5.4_{level.title()}_Level.csv", f"{level}_level.csv"):
        if (folder / name).is_file():
            rows = csv.DictReader((folder / name).read_text(encoding="utf-8-sig").splitlines())
            return [{key: (value or "").strip() for key, value in row.items() if key} for row in rows]
    raise Usage("E803", f"no table of {level} checks", where=str(folder), why=f"OMOP_CDMv5.4_{level.title()}_Level.csv is not there")


def _multiplied(kind: dict[str, str], rows: list[dict[str, str]]) -> Iterator[Check]:
    name = kind["check"]
    for row in rows:
        if not all(_holds(part.strip(), row) for part in kind["when"].split(" and ")):
            continue
        table, field = _name(row["cdmTableName"]), _name(row.get("cdmFieldName", ""))
        concept, unit = row.get("conceptId", "").replace(" ", ""), row.get("unitConceptId", "")
        other_table, other_field = (_name(row.get(column, "")) for column in OTHER.get(name, ("", "")))
        said = row.get(f"{name}Threshold", "")
        yield Check(
            id="_".join(part for part in (kind["level"], name, table, field, concept.replace(",", "_"), unit) if part).lower(),
            name=name,
            level=kind["level"],
            table=table,
            field=field,
            concept=concept,
            unit=unit,
            other_table=other_table,
            other_field=other_field,
            value=row.get(VALUE.get(name, name), ""),
            type=row.get("cdmDatatype", "").lower(),
            threshold=_percent(said, name) if said else None,
            **{key: kind[key] for key in ("sql", "denominator", "stage", "severity", "context", "category", "subcategory", "about")},
        )


def _holds(part: str, row: dict[str, str]) -> bool:
    """`column=value`, or `column`: it says something."""
    column, _, wanted = part.partition("=")
    said = row.get(column, "")
    return said == wanted if wanted else said not in ("", "NA")


def _name(said: str) -> str:
    name = said.strip('"').lower()
    if name and not IDENTIFIER.fullmatch(name):
        raise Usage("E804", "a table of checks names no table or field", why=f"not a name: {said}")
    return name


def _percent(said: str, name: str) -> float:
    try:
        return float(said)
    except ValueError:
        raise Usage("E804", f"a threshold of {name} is no number", why=said) from None


def as_row(check: Check) -> dict[str, Any]:
    """What identifies a check in an answer."""
    return {
        key: getattr(check, key) for key in ("id", "name", "level", "table", "field", "concept", "unit", "stage", "severity", "category")
    }
