"""Published views: what stands as of when, exact numbers, one row per value."""

from __future__ import annotations

import re
from typing import Any

import pytest

from record_rows import version, versions
from trivet.data.engines.duck import DuckEngine
from trivet.data.views import closure, install, published, views_digest

AT = "2026-03-01T13:55:00.000000Z"


def potassium(value: str, ident: str = "k") -> str:
    """An Observation as JSON text, the number's digits as given."""
    coding = '[{"system": "urn:lab", "code": "K"}, {"system": "http://loinc.org", "code": "2823-3"}]'
    quantity = f'{{"value": {value}, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}}'
    head = f'"resourceType": "Observation", "id": "{ident}", "status": "final", "subject": {{"reference": "Patient/1"}}'
    return f'{{{head}, "code": {{"coding": {coding}}}, "valueQuantity": {quantity}}}'


def shown(rows: Any, sql: str, *, history: bool = False) -> list[dict[str, Any]]:
    """Rows of a query over record versions."""
    engine = DuckEngine()
    engine.put("record_version", versions(*rows))
    install(engine, history=history)
    return engine.run(sql).to_pylist()


def test_a_number_keeps_its_digits() -> None:
    """`1.10` is shown as `1.10`, beside the double."""
    row = shown([version(potassium("1.10"), 1, at=AT)], "FROM observation")[0]
    assert (row["lexeme"], row["value"], row["unit"], row["code"], row["element"]) == (
        "1.10",
        1.1,
        "mmol/L",
        "2823-3",
        "valueQuantity.value",
    )


def test_components_are_rows_that_name_their_path() -> None:
    """A blood pressure panel gives a row for each component, and none for itself."""
    body = {
        "resourceType": "Observation",
        "id": "bp",
        "subject": {"reference": "Patient/1"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "component": [
            {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueQuantity": {"value": value}}
            for code, value in (("8480-6", 121), ("8462-4", 77))
        ],
    }
    rows = shown([version(body, 1, at=AT)], "SELECT element, code, value FROM observation ORDER BY code")
    assert [(row["element"], row["value"]) for row in rows] == [
        ("component[1].valueQuantity.value", 77.0),
        ("component[0].valueQuantity.value", 121.0),
    ]


def test_people_see_what_stands_and_features_see_when_it_stood() -> None:
    """Without history the newest version; with it every version, and the position that ended the older one."""
    rows = [version(potassium("4.1"), 3, at=AT), version(potassium("4.4"), 9, at=AT, number=2)]
    assert [row["value"] for row in shown(rows, "FROM observation")] == [4.4]
    both = shown(rows, "SELECT version, until_seq, stood(known_seq, until_seq, 8) AS then FROM observation ORDER BY version", history=True)
    assert both == [{"version": 1, "until_seq": 9, "then": True}, {"version": 2, "until_seq": None, "then": False}]


def test_a_record_taken_back_is_gone_and_was_there() -> None:
    """A deleted version is never shown; the one before it is history."""
    rows = [version(potassium("4.1"), 3, at=AT), version(potassium("4.1"), 9, at=AT, number=2, deleted=True)]
    assert shown(rows, "FROM observation") == []
    assert [row["until_seq"] for row in shown(rows, "FROM observation", history=True)] == [9]


def test_bed_stays_are_not_encounters() -> None:
    """An Encounter of type bed-stay stands in its own view only."""
    stay = {
        "resourceType": "Encounter",
        "id": "b",
        "type": [{"coding": [{"system": "urn:x", "code": "bed-stay"}]}],
        "period": {"start": "2026-03-01"},
    }
    visit = {
        "resourceType": "Encounter",
        "id": "e",
        "class": {"code": "IMP"},
        "period": {"start": "2026-03-01T10:00:00Z", "end": "2026-03-04"},
    }
    bare = {"resourceType": "Encounter", "id": "n"}
    rows = [version(stay, 1), version(visit, 2), version(bare, 3)]
    assert [row["id"] for row in shown(rows, "FROM bed_stay")] == ["b"]
    assert [row["id"] for row in shown(rows, "FROM encounter ORDER BY id")] == ["e", "n"]


def test_money_is_exact() -> None:
    """Claim totals are decimals."""
    claim = '{"resourceType": "Claim", "id": "c", "status": "active", "total": {"value": 1234567.10, "currency": "USD"}}'
    assert str(shown([version(claim, 1)], "SELECT total FROM claim")[0]["total"]) == "1234567.10"


def test_staffing_speaks_of_places_only() -> None:
    """An observation about a Location is staffing, and not an observation of a patient."""
    body = {"resourceType": "Observation", "id": "s", "subject": {"reference": "Location/w"}, "code": {"text": "nurses"}, "valueInteger": 5}
    rows = [version(body, 1, person=None, subject=None, at=AT)]
    assert [(row["place"], row["value"]) for row in shown(rows, "FROM staffing")] == [("Location/w", 5.0)]
    assert shown(rows, "FROM observation") == []


@pytest.mark.parametrize("name", [name for name in published() if name not in ("record_state", "measurement")])
def test_every_view_names_its_record(name: str) -> None:
    """Each row of each view leads back to a record version, and says since when it is known."""
    engine = DuckEngine()
    engine.put("record_version", versions())
    install(engine)
    assert {"record", "version", "known_seq", "until_seq", "source"} <= set(engine.run(f"FROM {name}").column_names)


def test_a_digest_covers_what_a_view_reads() -> None:
    """`observation` rests on `measurement` and `record_state`; its digest differs from that of either alone."""
    names = closure("SELECT * FROM observation")
    assert names == tuple(name for name in published() if name in {"record_state", "measurement", "observation"})
    assert re.fullmatch(r"[0-9a-f]{64}", views_digest(names))
    assert views_digest(names) != views_digest(names[:1])
