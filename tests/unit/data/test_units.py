"""Units: UCUM to the letter, the clinical matrix without an error, and nothing converted that does not measure the same thing."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from trivet.data.units import Aliases, BadUnit, convert, convert_of, decimal, display, parse
from trivet.kernel.errors import Usage
from trivet.kernel.resources import text
from trivet.wiring import suites

# value, unit, other unit, LOINC of the analyte (mass to mole) or empty, expected; None: must be refused
MATRIX = [
    ("1", "mg/dL", "g/L", "", "0.01"),
    ("1.0", "mg/dL", "umol/L", "2160-0", "88.4016973"),
    ("100", "umol/L", "mg/dL", "2160-0", "1.1312"),
    ("90", "mg/dL", "mmol/L", "2345-7", "4.99567042"),
    ("14", "mg/dL", "mmol/L", "3094-0", "4.99750125"),
    ("1", "mg/dL", "umol/L", "1975-2", "17.1035776"),
    ("10", "mg/dL", "mmol/L", "17861-6", "2.49513449"),
    ("200", "mg/dL", "mmol/L", "2093-3", "5.17244947"),
    ("98.6", "[degF]", "Cel", "", "37"),
    ("37", "Cel", "K", "", "310.15"),
    ("120", "mm[Hg]", "kPa", "", "15.99864"),
    ("1", "[lb_av]", "kg", "", "0.45359237"),
    ("70", "[in_i]", "cm", "", "177.8"),
    ("7.5", "10*3/uL", "10*9/L", "", "7.5"),
    ("250", "K/uL", None, "", None),
    ("1500", "[iU]", "k[IU]", "", "1.5"),
    ("1", "[IU]/L", "[iU]/mL", "", "0.001"),
    ("4", "meq/L", "mmol/L", "", "4"),
    ("7", "[pH]", "mol/L", "", "1E-7"),
    ("30", "[iU]/L", "U/L", "1742-6", "30"),
    ("30", "[iU]/L", "U/L", "", None),
    ("60", "dB[SPL]", "Pa", "", "0.02"),
    ("1", "[arb'U]", "[IU]", "", None),
    ("1", "[arb'U]", "[USP'U]", "", None),
    ("1", "dB[SPL]/m", "Pa/m", "", None),
    ("5.5", "mmol/L", "mg/dL", "2345-7", "99.0858"),
    ("5.5", "mmol/L", "mg/dL", "2160-0", "62.216"),
    ("1", "meq/L", "mmol/L", "2947-0", "1"),
    ("1", "[degF]/h", "Cel/h", "", None),
    ("37", "m[degF]", "Cel", "", None),
    ("1", "mg", "mmol", "", None),
    ("1", "mg/dL", "mmol/L", "9999-9", None),
    ("1", "mg/dL", "mm[Hg]", "2160-0", None),
]


@pytest.mark.parametrize(("value", "unit", "other", "loinc", "expected"), MATRIX)
def test_the_clinical_matrix(value: str, unit: str, other: str | None, loinc: str, expected: str | None) -> None:
    """What a ward meets: exact where arithmetic is, refused where two units do not measure the same thing."""
    if expected is None:
        with pytest.raises(BadUnit):
            convert_of(loinc, value, unit, other or "10*9/L")
        return
    assert other is not None
    got = decimal(convert_of(loinc, value, unit, other))
    assert got.quantize(Decimal(expected)) == Decimal(expected) if "E" not in expected else got == Decimal(expected)


def test_arithmetic_is_exact() -> None:
    """A third stays a third, and there and back is the very same number."""
    assert convert("1", "m/s", "km/h") == Fraction(18, 5)
    for unit, other in (("mg/dL", "ug/mL"), ("[lb_av]", "kg"), ("Cel", "[degF]"), ("mm[Hg]", "kPa")):
        assert convert(convert("37.1", unit, other), other, unit) == Fraction("37.1")


def test_arbitrary_units_are_like_nothing_but_themselves() -> None:
    """An international unit is none of the other arbitrary ones; its two spellings are one unit."""
    assert convert("1", "[IU]", "[iU]") == 1
    for other in ("[arb'U]", "[USP'U]", "1", "mg"):
        with pytest.raises(BadUnit):
            convert("1", "[iU]", other)


@pytest.mark.parametrize("code", ["", "/", "m/", "mg/12h", "kg[H20]", "{a}m{b}", "mg//dL", "(mg", "10+3/uL", "µg", "mmHg", "0.m"])
def test_what_the_grammar_does_not_allow_is_refused(code: str) -> None:
    """No lenient reading."""
    with pytest.raises(BadUnit):
        parse(code)


def test_display() -> None:
    """A code in words."""
    assert display("mg/dL") == "(milligram) / (deciliter)"


def test_every_approved_spelling_is_ucum_and_no_spelling_has_two_meanings() -> None:
    """The shipped table holds what it promises."""
    rows = list(csv.DictReader(text("trivet.maps", "units", "aliases.csv").splitlines()))
    names = [row["alias"] for row in rows]
    assert len(names) == len(set(names))
    known = Aliases()
    for row in rows:
        found = known.find(row["alias"])
        assert (found.code if found else "") == row["code"], row
        assert row["approver"]
        assert row["reason"]


def test_a_site_may_add_and_overrule_but_not_invent() -> None:
    """A site's approved row wins; one that is not UCUM is refused aloud."""
    head = "alias,code,status,approver,since,reason\n"
    assert Aliases(head + "G/L,g/L,approved,dr.lab,2026-01-01,our analyser\n").find("G/L").code == "g/L"  # type: ignore[union-attr]
    with pytest.raises(Usage) as refused:
        Aliases(head + "G/L,giga,approved,dr.lab,2026-01-01,our analyser\n")
    assert refused.value.code == "E274"


ATOMIC = {"H": "1.008", "C": "12.011", "N": "14.007", "O": "15.999", "P": "30.974", "Na": "22.990", "K": "39.098", "Cl": "35.45"}
ATOMIC |= {"Ca": "40.078", "Mg": "24.305", "Fe": "55.845", "Co": "58.933", "I": "126.904"}


def test_molar_masses_are_those_of_their_formulas() -> None:
    """Each mass in the table is the sum of the standard atomic weights, to one part in ten thousand."""
    for row in csv.DictReader(text("trivet.maps", "units", "molar.csv").splitlines()):
        parts = re.findall(r"([A-Z][a-z]?)(\d*)", row["formula"])
        total = sum(Decimal(ATOMIC[atom]) * int(count or 1) for atom, count in parts)
        assert abs(total - Decimal(row["molar_mass"])) < total / 10_000, row


def test_canonical_units_and_limits_speak_of_the_same_units() -> None:
    """A limit is stated in the unit in which values are compared, or the check would silently speak of nothing."""
    canonical = {row["loinc"]: row["unit"] for row in csv.DictReader(text("trivet.maps", "units", "canonical.csv").splitlines())}
    for row in csv.DictReader(text("trivet.maps", "quality", "plausible.csv").splitlines()):
        if row["unit"]:
            parse(row["unit"])
        if row["loinc"] in canonical:
            assert canonical[row["loinc"]] == row["unit"], row


def test_a_unit_that_was_read_is_not_read_again() -> None:
    """What makes a conversion cheap: whatever the numbers, each unit is parsed once."""
    convert("1.1", "mg/dL", "g/L")
    before = parse.cache_info().misses
    for number in range(1000):
        convert(str(number), "mg/dL", "g/L")
    assert parse.cache_info().misses == before


@pytest.mark.corpora
def test_the_functional_tests_of_ucum(corpora: Path) -> None:
    """Every validation, display, conversion, multiplication and division case."""
    result = suites.run("ucum", corpora)
    assert (result.failed, result.excluded) == ({}, {})
    assert result.measures == {"validation": 529, "displayNameGeneration": 9, "conversion": 30, "multiplication": 2, "division": 3}


@pytest.mark.long
@pytest.mark.corpora
def test_febrl(corpora: Path) -> None:
    """F1 at least 0.9985 on FEBRL 3 and 0.9999 on FEBRL 4, without labels."""
    result = suites.run("record-linkage", corpora)
    assert result.failed == {}
    assert result.measures["febrl/dataset3.csv"]["f1"] >= 0.9985
    assert result.measures["febrl/dataset4"]["f1"] >= 0.9999
