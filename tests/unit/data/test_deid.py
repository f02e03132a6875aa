"""De-identification: what no rule names goes, what the rules say happens, and nothing of a person is left."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from trivet.data.deid import Deidentifier, Exposure, policies, read_rules, shipped
from trivet.kernel.errors import Usage
from trivet.kernel.fhirpath import Types
from trivet.kernel.jsontext import dumps, loads
from trivet.kernel.resources import text

UUID = "7f0b2c0e-0000-4000-8000-000000000001"
KEY = b"sixteen bytes at least"
TYPES = Types(csv.DictReader(io.StringIO(text("trivet.maps", "fhir", "elements.csv"))))


def patient(**more: Any) -> dict[str, Any]:
    """A person with something in every place that gives one away."""
    return {
        "resourceType": "Patient",
        "id": "MARKED-1",
        "identifier": [{"system": "urn:mrn", "value": "MARKED-2", "period": {"start": "2001-04-05"}}],
        "name": [{"family": "MARKED-3", "given": ["MARKED-4"], "_given": [{"extension": [{"url": "x", "valueString": "MARKED-5"}]}]}],
        "telecom": [{"system": "phone", "value": "MARKED-6"}],
        "birthDate": "1961-04-17",
        "gender": "female",
        "address": [{"line": ["MARKED-7"], "city": "MARKED-8", "state": "IL", "postalCode": "60601"}],
        "contact": [{"name": {"text": "MARKED-9"}, "relationship": [{"text": "MARKED-10"}]}],
        "text": {"status": "generated", "div": "<div>MARKED-11</div>"},
        "extension": [{"url": "urn:unknown", "valueString": "MARKED-12"}],
        "photo": [{"contentType": "image/png", "url": "MARKED-13"}],
        **more,
    }


def made(resource: dict[str, Any], policy: str = "safe_harbor") -> dict[str, Any]:
    """The resource under one of our policies."""
    return Deidentifier(shipped(policy), TYPES, KEY, 2026)(resource).resource


@pytest.mark.parametrize("policy", policies())
def test_nothing_that_names_a_person_is_left(policy: str) -> None:
    """Marked values in every identifying place, an unknown element and an unknown extension: none comes through any policy."""
    out = dumps(made(patient(unknownElement="MARKED-14", maritalStatus={"text": "MARKED-15"}), policy)).decode()
    assert "MARKED" not in out
    assert all(kept in out for kept in ('"IL"', '"60600"', '"female"'))


def test_dates_by_policy() -> None:
    """Safe Harbor leaves the year, a limited data set the day, the shifted policy moves one person's dates together."""
    visit = {
        "resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "IMP"},
        "subject": {"reference": "Patient/p"}, "period": {"start": "2025-03-01T08:00:00+01:00", "end": "2025-03-09"},
    }  # fmt: skip
    assert made(visit)["period"] == {"start": "2025", "end": "2025"}
    assert made(visit, "limited")["period"] == visit["period"]
    moved = made(visit, "shifted")["period"]
    start, end = moved["start"][:10], moved["end"]
    assert start != "2025-03-01"
    assert moved["start"].endswith("T00:00:00+01:00")
    days = Deidentifier(shipped("shifted"), TYPES, KEY, 2026)
    other = days({"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/p"}, "effectiveDateTime": "2025-03-01"})
    assert other.resource["effectiveDateTime"] == start
    assert date.fromisoformat(end) - date.fromisoformat(start) == timedelta(days=8)


def test_an_age_over_89_is_not_told() -> None:
    """A birth year that makes somebody older than 89 goes; one that does not stays."""
    assert "birthDate" not in made(patient(birthDate="1936-01-01"))
    assert made(patient(birthDate="1937-01-01"))["birthDate"] == "1937"


def test_few_people_behind_a_zip_code() -> None:
    """The seventeen areas with 20 000 people or fewer lose all their digits."""
    out = made(patient(address=[{"postalCode": "03601-1234"}]))
    assert out["address"] == [{"postalCode": "00000-0000"}]


def test_a_name_where_a_code_stands_goes() -> None:
    """What FHIR binds to a set of codes holds one of them; a flag is true or false; a number is a number."""
    out = made(
        patient(gender="MARKED", active="MARKED", multipleBirthInteger="MARKED", maritalStatus={"coding": [{"userSelected": "MARKED"}]})
    )
    assert not {"gender", "active", "multipleBirthInteger", "maritalStatus"} & set(out)


def test_references_still_meet_their_targets() -> None:
    """Ids and references are hashed the same way: relative, contained and inside a bundle; another key gives others."""
    bundle = {
        "resourceType": "Bundle", "type": "collection", "entry": [
            {"fullUrl": "urn:uuid:" + UUID, "resource": patient()},
            {"resource": {"resourceType": "Condition", "id": "c", "subject": {"reference": "urn:uuid:" + UUID}}},
            {"resource": {"resourceType": "Condition", "id": "d", "subject": {"reference": "Patient/MARKED-1", "display": "MARKED"}}},
        ],
    }  # fmt: skip
    entries = made(bundle)["entry"]
    assert entries[1]["resource"]["subject"]["reference"] == entries[0]["fullUrl"]
    assert entries[2]["resource"]["subject"] == {"reference": "Patient/" + entries[0]["resource"]["id"]}
    other = Deidentifier(shipped("safe_harbor"), TYPES, b"another key altogether", 2026)(bundle).resource
    assert other["entry"][0]["fullUrl"] != entries[0]["fullUrl"]


def test_numbers_keep_their_digits() -> None:
    """A decimal that stays is the same text: 7.10 stays 7.10."""
    raw = b'{"resourceType":"Observation","id":"o","status":"final","code":{},"valueQuantity":{"value":7.10,"unit":"mg"}}'
    assert b"7.10" in dumps(made(loads(raw)))


def test_the_first_rule_that_names_a_node_decides(tmp_path: Path) -> None:
    """keep before redact keeps; a rule's condition is asked of the node."""
    rules = {
        "fhirPathRules": [
            {"path": "Patient.nodesByType('HumanName').where(use = 'usual').family", "method": "keep"},
            {"path": "nodesByType('HumanName')", "method": "redact"},
        ]
    }
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(rules))
    run = Deidentifier(read_rules(path), TYPES, KEY, 2026, labels=False)
    out = run({"resourceType": "Patient", "name": [{"use": "usual", "family": "A"}, {"use": "official", "family": "B"}]}).resource
    assert out == {"resourceType": "Patient", "name": [{"family": "A"}]}


@pytest.mark.parametrize("path", ["Patient..name", "Patient.where(", "nodesByType(HumanName)", "Patient.name[0]", "1"])
def test_a_path_that_cannot_be_read_is_refused(path: str, tmp_path: Path) -> None:
    """A rule that says nothing we understand never passes for a rule that matched nothing."""
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"fhirPathRules": [{"path": path, "method": "redact"}]}))
    with pytest.raises(Usage) as error:
        Deidentifier(read_rules(file), TYPES, KEY, 2026)
    assert error.value.code == "E701"


def test_an_unknown_method_is_refused(tmp_path: Path) -> None:
    """Nobody loses a rule to a misspelling."""
    file = tmp_path / "rules.csv"
    file.write_text("path,method,argument,class,why\nPatient.name,reduct,,A,names\n")
    with pytest.raises(Usage) as error:
        read_rules(file)
    assert error.value.code == "E703"


def test_exposure_counts_who_stands_alone() -> None:
    """k and l of four persons in two classes."""
    seen = Exposure()
    for number, sex in enumerate(("female", "female", "female", "male")):
        seen.see({"resourceType": "Patient", "id": f"p{number}", "gender": sex, "birthDate": "1961"})
        code = {"coding": [{"system": "s", "code": "a" if number < 2 else "b"}]}
        seen.see({"resourceType": "Condition", "subject": {"reference": f"Patient/p{number}"}, "code": code})
    report = seen.report()
    assert (report["persons"], report["classes"], report["k"], report["l"], report["unique"]) == (4, 2, 1, 1, 1)
    assert report["in_classes_smaller_than"]["5"] == 4
