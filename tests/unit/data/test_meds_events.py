"""Records to events: which code, which time, which value; what makes no event is counted with its reason."""

from __future__ import annotations

import csv
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from omop_records import ICD, LOINC, RXNORM, SNOMED, coded, patient, record, visit
from trivet.data.meds.events import Event, Frame, Made, events, left_out, rules
from trivet.data.omop.paths import parsed
from trivet.kernel.resources import text

KNOWN = "2026-03-01T08:00:00.000000Z"
RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"


def made(*records: dict[str, Any], frame: Frame | None = None, known: str = KNOWN) -> Made:
    """The events of these records."""
    return events([(one, known) for one in records], frame or Frame())


def told(*records: dict[str, Any], frame: Frame | None = None) -> list[tuple[Any, ...]]:
    """Time, code, number, text, unit of each event."""
    return [row[:5] for row in made(*records, frame=frame).rows]


def lab(value: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A result of a moment."""
    return record(
        "Observation",
        "o",
        status="final",
        code=coded(LOINC, "l1", display="a test"),
        effectiveDateTime="2020-01-01T08:00:00Z",
        **value,
        **more,
    )


def quantity(value: str, unit: str = "mmol/L", **more: Any) -> dict[str, Any]:
    """A valueQuantity."""
    return {"valueQuantity": {"value": Decimal(value), "unit": unit, "system": "http://unitsofmeasure.org", "code": unit, **more}}


def test_the_tables_say_what_can_be_said() -> None:
    """Every row names a path that can be read and a reason to leave out."""
    assert list(csv.DictReader(text("trivet.maps", "meds", "events.csv").splitlines()))
    for rule in (one for held in rules().values() for one in held):
        for path in (rule.time.removeprefix("birth:"), rule.value if rule.value != "yes" else "", *rule.code.split("|")):
            if path and not path.startswith("@") and path != "static":
                parsed(path)
    assert all(row["reason"] and row["resource"] in ("*", *rules()) for row in left_out())


def test_a_person_is_born_once() -> None:
    """The standard's own codes; a birth at its day's start, a death day at its end; what most records say counts, static events have no
    time."""
    race = {"url": RACE, "extension": [{"url": "ombCategory", "valueCoding": {"code": "2106-3"}}]}
    records = [patient("a"), patient("b"), patient("c", birthDate="1916-04-17", deceasedDateTime="2021-05-06", extension=[race])]
    assert told(*records) == [
        (None, "GENDER//female", None, None, None),
        (None, "RACE//2106-3", None, None, None),
        (datetime(1961, 4, 17), "MEDS_BIRTH", None, None, None),
        (datetime(2021, 5, 6, 23, 59, 59, 999999), "MEDS_DEATH", None, None, None),
    ]


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2020-02-01T08:00:00-05:00", datetime(2020, 2, 1, 13)),
        ("2020-02-01", datetime(2020, 2, 1, 23, 59, 59, 999999)),
        ("2020-02", datetime(2020, 2, 29, 23, 59, 59, 999999)),
        ("2020", datetime(2020, 12, 31, 23, 59, 59, 999999)),
    ],
)
def test_nothing_stands_before_it_can_be_known(said: str, at: datetime) -> None:
    """A time of less precision counts at its end; an offset is taken off."""
    procedure = record("Procedure", "x", status="completed", code=coded(SNOMED, "p1"), performedDateTime=said)
    assert told(procedure) == [(at, "SNOMED/p1", None, None, None)]


def test_a_result_counts_from_when_it_was_issued() -> None:
    """Not from when the specimen was taken: that would tell a model the future."""
    assert told(lab(quantity("4.10"), issued="2020-01-01T10:30:00Z"))[0][0] == datetime(2020, 1, 1, 10, 30)
    assert told(lab(quantity("4.10")))[0][0] == datetime(2020, 1, 1, 8)
    condition = record("Condition", "c", code=coded(ICD, "X10"), onsetDateTime="2001", recordedDate="2020-03-04T05:06:07Z")
    assert told(condition)[0][0] == datetime(2020, 3, 4, 5, 6, 7)


def test_values() -> None:
    """Numbers with their unit, in the canonical unit where there is one; a bound is no number; an answer is its code; words are left
    out."""
    code, at = "LOINC/l1", datetime(2020, 1, 1, 8)
    beside = {"url": "urn:trivet:fhir:canonical-quantity", "valueQuantity": {"value": Decimal("5.55"), "code": "mmol/L"}}
    assert told(lab(quantity("100", "mg/dL", extension=[beside]))) == [(at, code, 5.55, None, "mmol/L")]
    assert told(lab(quantity("5", comparator="<"))) == [(at, code, None, "<5", "mmol/L")]
    assert told(lab({"valueInteger": 3})) == [(at, code, 3.0, None, None)]
    assert told(lab({"valueBoolean": True})) == [(at, code, 1.0, None, None)]
    assert told(lab({"valueCodeableConcept": coded(SNOMED, "a1")})) == [(at, code, None, "SNOMED/a1", None)]
    words = made(lab({"valueString": "Mrs Archer feels better"}))
    assert words.rows[0][:5] == (at, code, None, None, None)
    assert words.without == {("Observation", "its value is words and is left out"): 1}
    assert made(lab(quantity("1E+39"))).without == {("Observation", "its number is too large for the standard"): 1}


def test_parts_are_events_of_their_own() -> None:
    """A blood pressure is two events, not a third one without a value."""
    parts = [{"code": coded(LOINC, name), **quantity(value, "mm[Hg]")} for name, value in (("s", "120"), ("d", "80"))]
    assert [row[1:3] for row in told(lab({}, component=parts))] == [("LOINC/d", 80.0), ("LOINC/s", 120.0)]


def test_one_coding_speaks() -> None:
    """The preferred vocabulary before the local code, wherever it stands; a local code alone keeps its system; no code is counted."""
    both = {"coding": [{"system": "urn:lab", "code": "K"}, {"system": LOINC, "code": "l1"}]}
    at = {"effectiveDateTime": "2020-01-01T08:00:00Z"}
    assert told(record("Observation", "o", code=both, **at, **quantity("1")))[0][1] == "LOINC/l1"
    assert told(record("Observation", "o", code=coded("urn:lab", "K"), **at, **quantity("1")))[0][1] == "urn:lab/K"
    nothing = made(record("Observation", "o", code={"text": "for Mrs Archer"}, **at, **quantity("1")))
    assert (nothing.rows, nothing.without) == ([], {("Observation", "it has no code"): 1})


def test_a_visit_tells_only_what_is_known_then() -> None:
    """Its class at its start; where the person went, at its end."""
    went = {"hospitalization": {"dischargeDisposition": coded("urn:d", "home")}}
    assert [row[:2] for row in told(visit("v", period={"start": "2020-01-01T08:00:00Z", "end": "2020-01-03T09:00:00Z"}, **went))] == [
        (datetime(2020, 1, 1, 8), "VISIT_START//AMB"),
        (datetime(2020, 1, 3, 9), "DISCHARGE//home"),
        (datetime(2020, 1, 3, 9), "VISIT_END//AMB"),
    ]


def test_a_medicine_by_reference() -> None:
    """Through the record it refers to, or through what it contains; an order, a dispense and a dose are different events."""
    known = Frame(resources={"Medication/m": {"resourceType": "Medication", "id": "m", "code": coded(RXNORM, "m1")}})
    order = record(
        "MedicationRequest",
        "r",
        status="active",
        intent="order",
        authoredOn="2020-01-01T08:00:00Z",
        medicationReference={"reference": "Medication/m"},
    )
    given = record(
        "MedicationAdministration", "g", status="completed", effectiveDateTime="2020-01-01T09:00:00Z",
        contained=[{"resourceType": "Medication", "id": "in", "code": coded(RXNORM, "m2")}], medicationReference={"reference": "#in"},
        dosage={"dose": {"value": Decimal("500"), "unit": "mg"}},
    )  # fmt: skip
    assert [row[1:] for row in told(order, given, frame=known)] == [
        ("MEDICATION_ORDER//RxNorm/m1", None, None, None),
        ("MEDICATION_ADMINISTRATION//RxNorm/m2", 500.0, None, "mg"),
    ]


def test_what_is_no_event_is_counted() -> None:
    """Errors, plans, unknown kinds: each with its reason."""
    wrong = lab(quantity("1")) | {"status": "entered-in-error"}
    plan = record(
        "MedicationRequest", "r", status="active", intent="plan", authoredOn="2020", medicationCodeableConcept=coded(RXNORM, "m1")
    )
    found = made(wrong, plan, record("CarePlan", "c"), record("Procedure", "x", code=coded(SNOMED, "p1")))
    assert found.rows == []
    assert found.without == {
        ("Observation", "recorded in error"): 1,
        ("MedicationRequest", "no order but a plan"): 1,
        ("CarePlan", "no event is made of it"): 1,
        ("Procedure", "it has no time"): 1,
    }


def test_the_same_event_of_two_sources_is_told_once() -> None:
    """Known since the first of them; another value is another event."""
    found = events(
        [(lab(quantity("1")), "2026-02-02T00:00:00Z"), (lab(quantity("1.0")), "2026-01-01T00:00:00Z"), (lab(quantity("2")), KNOWN)], Frame()
    )
    assert [(row.number, row.known) for row in found.rows] == [(1.0, datetime(2026, 1, 1)), (2.0, datetime(2026, 3, 1, 8))]


def test_the_order_of_records_does_not_matter() -> None:
    """The same records in another order: the same rows."""
    records = [
        patient("a"),
        patient("b", birthDate="1970-01-01"),
        visit(),
        lab(quantity("1")),
        lab(quantity("2"), issued="2020-01-02T00:00:00Z"),
    ]
    assert made(*records).rows == made(*reversed(records)).rows
    assert all(isinstance(row, Event) for row in made(*records).rows)


def test_zones() -> None:
    """All instants in the one zone; a time without an offset is one of the site."""
    frame = Frame(ZoneInfo("America/Chicago"), ZoneInfo("Europe/Berlin"))
    assert told(visit("v", "2020-01-01T08:00:00Z"), frame=frame)[0][0] == datetime(2020, 1, 1, 2)
    assert told(visit("v", "2020-01-01T08:00:00"), frame=frame)[0][0] == datetime(2020, 1, 1, 1)
