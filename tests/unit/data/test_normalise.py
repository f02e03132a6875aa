"""Standard codes and units beside what came: nothing changed, nothing guessed, every addition traceable."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Notice, Record, Span, Translation
from trivet.data.normalise import CANONICAL, MapNormaliser, Site
from trivet.data.terminology import COLUMNS
from trivet.kernel.errors import Usage

LAB = SourceProfile("lab", zone="UTC")
UCUM = "http://unitsofmeasure.org"
HEAD = ",".join(COLUMNS)


def site(*rows: str, units: str = "") -> MapNormaliser:
    """A normaliser with a site's map rows."""
    return MapNormaliser(Site("\n".join([HEAD, *rows]) if rows else "", units))


def row(code: str, target: str, *, unit: str = "", status: str = "approved", feed: str = "lab", approver: str = "dr.lab") -> str:
    """One map row."""
    return f"{feed},{{base}}/code/lab,{code},,http://loinc.org,{target},,{unit},{status},{approver},2026-01-01,test"


def observation(coding: list[dict[str, Any]], quantity: dict[str, Any] | None = None) -> Translation:
    """One result with spans, as a format would give it."""
    resource: dict[str, Any] = {"resourceType": "Observation", "id": "o1", "code": {"coding": coding}}
    spans = [Span("code.coding[0].code", 100, 4, "OBX[1]-3.1", "ORU/OBX-3")]
    if quantity is not None:
        resource["valueQuantity"] = quantity
        spans += [Span("valueQuantity.value", 110, 3, "OBX[1]-5", "ORU/OBX-5"), Span("valueQuantity.unit", 120, 5, "OBX[1]-6", "ORU/OBX-6")]
    return Translation((Record(resource, tuple(spans)),), ())


def local(code: str = "CREA") -> list[dict[str, Any]]:
    """A code of the feed's own."""
    return [{"system": f"{LAB.base}/code/lab", "code": code, "display": "Creatinine"}]


def test_approved_row_adds_the_standard_code_behind_the_local_one_with_a_span() -> None:
    """The local coding stays first and untouched, the added one points at the same bytes under the map row as rule."""
    before = observation(local(), {"value": Decimal("1.10"), "unit": "mg/dL"})
    after = site(row("CREA", "2160-0")).normalise(before, LAB)
    codings = after.records[0].resource["code"]["coding"]
    assert codings == [*local(), {"system": "http://loinc.org", "code": "2160-0"}]
    added = [span for span in after.records[0].spans if span.path == "code.coding[1].code"]
    assert [(span.offset, span.length, span.locator) for span in added] == [(100, 4, "OBX[1]-3.1")]
    assert added[0].rule == "site/terminology.csv|lab|{base}/code/lab|CREA"
    assert before.records[0].resource["code"]["coding"] == local(), "the given record was changed in place"
    assert not after.notices


@pytest.mark.parametrize("status", ["suggested", "rejected", "retired"])
def test_only_approved_rows_map(status: str) -> None:
    """A suggestion, however likely, maps nothing: the code stays a notice."""
    after = site(row("CREA", "2160-0", status=status)).normalise(observation(local()), LAB)
    assert after.records[0].resource["code"]["coding"] == local()
    assert [(notice.kind, notice.code, notice.locator) for notice in after.notices] == [("unknown-code", "CREA", "OBX[1]-3.1")]


def test_a_row_for_a_unit_holds_for_that_unit_only() -> None:
    """Creatinine by mass and by substance are two LOINC codes, told apart by the unit that came."""
    maps = site(row("CREA", "2160-0", unit="mg/dL"), row("CREA", "14682-9", unit="umol/L"))
    mass = maps.normalise(observation(local(), {"value": Decimal("1.1"), "unit": "MG/DL"}), LAB).records[0].resource
    mole = maps.normalise(observation(local(), {"value": 97, "unit": "umol/L"}), LAB).records[0].resource
    none = maps.normalise(observation(local(), {"value": 97, "unit": "furlong"}), LAB)
    assert [coding["code"] for coding in mass["code"]["coding"]] == ["CREA", "2160-0"]
    assert [coding["code"] for coding in mole["code"]["coding"]] == ["CREA", "14682-9"]
    assert sorted(notice.kind for notice in none.notices) == ["unknown-code", "unknown-unit"]


def test_an_approved_row_without_approver_is_refused() -> None:
    """Nobody answers for it, so it is not in force: the whole map is refused, loudly."""
    with pytest.raises(Usage) as refused:
        site(row("CREA", "2160-0", approver=""))
    assert refused.value.code == "E273"


def test_unit_spelling_becomes_ucum_beside_the_original() -> None:
    """`unit` stays as it was written; system and code are new and say which row they rest on."""
    after = MapNormaliser(Site()).normalise(
        observation([{"system": "http://loinc.org", "code": "6690-2"}], {"value": 7, "unit": "K/uL"}), LAB
    )
    assert after.records[0].resource["valueQuantity"] == {"value": 7, "unit": "K/uL", "system": UCUM, "code": "10*3/uL"}
    rules = {span.path: (span.offset, span.rule) for span in after.records[0].spans}
    assert rules["valueQuantity.code"] == (120, "units/aliases.csv|K/uL")


@pytest.mark.parametrize(
    ("quantity", "kind"),
    [
        ({"value": 7}, "missing-unit"),
        ({"value": 7, "unit": "blorp"}, "unknown-unit"),
        ({"value": 7, "unit": "G/L"}, "unknown-unit"),
        ({"value": 7, "unit": "9/L"}, "unknown-unit"),
    ],
)
def test_missing_unknown_and_ambiguous_units_are_notices(quantity: dict[str, Any], kind: str) -> None:
    """No unit is invented; the value stays as it came."""
    after = MapNormaliser(Site()).normalise(observation([{"system": "http://loinc.org", "code": "6690-2"}], quantity), LAB)
    assert after.records[0].resource["valueQuantity"] == quantity
    assert [notice.kind for notice in after.notices] == [kind]


def test_what_has_no_unit_needs_none() -> None:
    """A pH without a unit is complete."""
    after = MapNormaliser(Site()).normalise(
        observation([{"system": "http://loinc.org", "code": "2744-1"}], {"value": Decimal("7.41")}), LAB
    )
    assert not after.notices


def test_conversion_stands_beside_and_is_exact() -> None:
    """Micromoles of creatinine keep their number; milligrams stand in the extension, through the molar mass of the table."""
    given = {"value": 88, "unit": "umol/L", "comparator": "<"}
    after = MapNormaliser(Site()).normalise(observation([{"system": "http://loinc.org", "code": "2160-0"}], given), LAB)
    quantity = after.records[0].resource["valueQuantity"]
    assert (quantity["value"], quantity["code"]) == (88, "umol/L")
    beside = quantity["extension"][0]
    assert beside["url"] == CANONICAL
    assert beside["valueQuantity"] == {"value": Decimal("0.995456"), "unit": "mg/dL", "system": UCUM, "code": "mg/dL", "comparator": "<"}
    paths = {span.path: span.offset for span in after.records[0].spans}
    assert paths["valueQuantity.extension[0].valueQuantity.value"] == 110


def test_a_unit_that_cannot_measure_the_code_is_said() -> None:
    """Millimetres of mercury are no creatinine: a notice, no conversion."""
    after = MapNormaliser(Site()).normalise(
        observation([{"system": "http://loinc.org", "code": "2160-0"}], {"value": 88, "unit": "mmHg"}), LAB
    )
    assert [notice.kind for notice in after.notices] == ["unit-does-not-fit"]
    assert "extension" not in after.records[0].resource["valueQuantity"]


def test_an_alias_of_a_code_system_gets_its_standard_name_beside_it() -> None:
    """The OID of SNOMED CT is SNOMED CT."""
    resource = {
        "resourceType": "Condition",
        "id": "c",
        "code": {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.96", "code": "59621000"}]},
    }
    after = MapNormaliser(Site()).normalise(Translation((Record(resource, ()),), ()), LAB)
    assert [coding["system"] for coding in after.records[0].resource["code"]["coding"]] == [
        "urn:oid:2.16.840.1.113883.6.96",
        "http://snomed.info/sct",
    ]


def test_nothing_to_do_gives_the_very_same_object() -> None:
    """A record with standard codes and units passes untouched, so that nothing is copied on the hot path."""
    before = observation(
        [{"system": "http://loinc.org", "code": "6690-2"}], {"value": 7, "unit": "10*3/uL", "system": UCUM, "code": "10*3/uL"}
    )
    assert MapNormaliser(Site()).normalise(before, LAB) is before


def test_normalising_twice_is_normalising_once() -> None:
    """What was added is not added again."""
    maps = site(row("CREA", "2160-0"))
    once = maps.normalise(observation(local(), {"value": 88, "unit": "UMOL/L"}), LAB)
    assert maps.normalise(once, LAB).records == once.records


def test_what_a_format_did_not_know_and_a_map_does_is_no_notice_any_more() -> None:
    """The format knows no local code; the site's map does, and only what nobody knows is left to look at, once."""
    said = tuple(Notice("unknown-code", f"{LAB.base}/code/lab", code, "OBX[1]-3.1", 100, 4) for code in ("CREA", "XYZ"))
    before = observation(local("XYZ"))
    after = site(row("CREA", "2160-0")).normalise(Translation(before.records, (), notices=said), LAB)
    assert [(notice.kind, notice.code) for notice in after.notices] == [("unknown-code", "XYZ")]
