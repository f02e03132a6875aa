"""The rubric as data: assessment modules and criteria, out of `maps/piqi`, or criteria of the operator's own."""

from __future__ import annotations

import csv
import io
from functools import cache
from pathlib import Path
from typing import NamedTuple

from trivet.kernel.errors import Usage
from trivet.kernel.resources import text

__all__ = ["Criterion", "Sam", "read_rubric", "sams"]


class Sam(NamedTuple):
    """A simple assessment module: its mnemonic, what it looks at, what must pass before, its HDQT dimension, names of its results."""

    sam: str
    kind: str
    prerequisite: str
    dimension: str
    passed: str
    failed: str


class Criterion(NamedTuple):
    """One row of a rubric. `when` is a path that must find something, or `path=value`; a critical failure fails the whole record."""

    name: str
    data_class: str
    resource: str
    entity: str
    path: str
    when: str
    sam: str
    parameter: str
    scoring: bool
    weight: float
    critical: bool


@cache
def sams() -> dict[str, Sam]:
    """Every module by mnemonic."""
    return {row["sam"]: Sam(**row) for row in csv.DictReader(text("trivet.maps", "piqi", "sams.csv").splitlines())}


def read_rubric(path: Path | None = None) -> tuple[Criterion, ...]:
    """The criteria that ship, or those of a CSV file of the same columns. Usage for an unknown module or a missing column."""
    try:
        said = text("trivet.maps", "piqi", "rubric.csv") if path is None else path.read_text(encoding="utf-8-sig")
        return tuple(_criterion(row) for row in csv.DictReader(io.StringIO(said)))
    except (OSError, UnicodeDecodeError, KeyError, ValueError) as error:
        why = f"{type(error).__name__}: {error}" if isinstance(error, (KeyError, ValueError)) else type(error).__name__
        raise Usage("E930", "the rubric cannot be read", where=str(path), why=why, help="docs/reference/piqi.md") from None


def _criterion(row: dict[str, str]) -> Criterion:
    if row["sam"] not in sams():
        raise ValueError(f"no module named {row['sam']}")
    front = (row["criterion"], row["class"], row["resource"], row["entity"], row["path"], row["when"], row["sam"], row["parameter"])
    return Criterion(*front, row["effect"] == "scoring", float(row["weight"] or 1), row["critical"] == "yes")
