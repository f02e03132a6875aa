"""Conversions that hold for one analyte only: mass to mole by `maps/units/molar.csv`, equal names of a unit by `equivalent.csv`.

In: a LOINC code, a value, two UCUM units. Out: an exact fraction. Refused: every analyte that the tables do not name.
"""

from __future__ import annotations

import csv
from fractions import Fraction
from functools import cache

from trivet.kernel.resources import text
from trivet.kernel.units import BadUnit, Number, convert, parse

__all__ = ["convert_of", "molar_mass"]


@cache
def _masses() -> dict[str, Fraction]:
    rows = csv.DictReader(text("trivet.maps", "units", "molar.csv").splitlines())
    return {row["loinc"]: Fraction(row["molar_mass"]) for row in rows}


def molar_mass(loinc: str) -> Fraction | None:
    """Grams in a mole of what a LOINC code measures; None when the table does not say."""
    return _masses().get(loinc)


@cache
def _equivalents() -> dict[tuple[str, str], tuple[str, Fraction]]:
    rows = csv.DictReader(text("trivet.maps", "units", "equivalent.csv").splitlines())
    return {(row["loinc"], row["unit"]): (row["same_as"], Fraction(row["factor"])) for row in rows}


def convert_of(loinc: str, value: Number, source: str, target: str) -> Fraction:
    """A value of this analyte in another unit, through its molar mass where one side counts moles.

    Raises BadUnit when the units do not fit, or when no molar mass is known.
    """
    left, right = parse(source), parse(target)
    if left.comparable(right):
        return convert(value, source, target)
    if (loinc, source) in _equivalents():
        same_as, factor = _equivalents()[loinc, source]
        return convert(Fraction(value) * factor, same_as, target)
    mass = molar_mass(loinc)
    if mass is None:
        raise BadUnit(f"no molar mass is known for LOINC {loinc}")
    gram_per_mole = parse("g/mol")
    amount = Fraction(value) * left.factor
    if "mol" in target and left.over(gram_per_mole).dimension == right.dimension:
        return amount / (mass * gram_per_mole.factor) / right.factor
    if "mol" in source and left.times(gram_per_mole).dimension == right.dimension:
        return amount * mass * gram_per_mole.factor / right.factor
    raise BadUnit(f"{source} and {target} do not measure the same thing")
