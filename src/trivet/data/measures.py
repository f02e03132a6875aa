"""The tables about measured things: where codes and quantities stand in a record, canonical units by LOINC code, what has no unit."""

from __future__ import annotations

import csv
from decimal import Decimal
from functools import cache

from trivet.data.units import BadUnit, convert_of, decimal
from trivet.kernel.resources import text

__all__ = ["CANONICAL", "UCUM", "canonical_unit", "code_elements", "converted", "quantity_elements", "unitless"]

UCUM = "http://unitsofmeasure.org"
CANONICAL = "urn:trivet:fhir:canonical-quantity"
Paths = tuple[tuple[tuple[str, ...], bool], ...]


def _rows(folder: str, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text("trivet.maps", folder, name).splitlines()))


@cache
def code_elements(kind: str) -> Paths:
    """Paths of the concepts of a record type, and whether an unmapped code there is worth a notice."""
    return _paths("terminology", kind)


@cache
def quantity_elements(kind: str) -> Paths:
    """Paths of the quantities of a record type, and whether a missing or unknown unit there is worth a notice."""
    return _paths("units", kind)


def _paths(folder: str, kind: str) -> Paths:
    return tuple((tuple(row["path"].split(".")), row["notice"] == "yes") for row in _rows(folder, "elements.csv") if row["type"] == kind)


@cache
def _canonical() -> dict[str, str]:
    return {row["loinc"]: row["unit"] for row in _rows("units", "canonical.csv")}


def canonical_unit(loinc: str) -> str:
    """The unit in which values of a code are compared; empty when the table does not say."""
    return _canonical().get(loinc, "")


@cache
def _unitless() -> frozenset[str]:
    return frozenset(row["loinc"] for row in _rows("units", "unitless.csv"))


def unitless(loinc: str) -> bool:
    """Is this a pH, a ratio, a score: something that needs no unit?"""
    return loinc in _unitless()


def converted(loinc: str, value: Decimal | int, unit: str, target: str) -> Decimal | None:
    """A value in another unit, exact or to 15 significant digits; None when the units do not measure the same thing."""
    try:
        return decimal(convert_of(loinc, value, unit, target))
    except (BadUnit, ValueError):
        return None
