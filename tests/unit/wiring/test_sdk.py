"""The Python door: the same rules as the command line, cells exact in every shape, nothing given that is not on record."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import trivet
from trivet.contracts.house import House
from trivet.flows.decide import Question, decide
from trivet.flows.erase import erase
from trivet.flows.receive import Delivery, receive
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import Fault, NotFound, Refused, Usage
from trivet.wiring.build import init_home
from trivet.wiring.sdk import Home, open_door

NOW = "2026-03-01T08:00:00.000000Z"


def feed() -> bytes:
    """Three persons with a potassium each; the second refuses research. One value has a trailing zero, one more digits than a double."""
    made: list[dict[str, Any]] = []
    for number, (family, born) in enumerate((("Archer", "1950-02-03"), ("Baxter", "1951-02-03"), ("Carver", "1952-02-03"))):
        about = {"reference": f"Patient/p{number}"}
        code = {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]}
        quantity = {"value": "@", "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
        made += [
            {
                "resourceType": "Patient", "id": f"p{number}", "identifier": [{"system": "urn:mrn", "value": f"M{number}"}],
                "name": [{"family": family, "given": ["Ada"]}], "birthDate": born, "gender": "female",
            },
            {
                "resourceType": "Observation", "id": f"o{number}", "status": "final", "code": code, "subject": about,
                "effectiveDateTime": "2026-02-01T08:00:00Z", "valueQuantity": quantity,
            },
        ]  # fmt: skip
    made.append(
        {
            "resourceType": "Consent",
            "id": "c1",
            "status": "active",
            "scope": {"coding": [{"code": "patient-privacy"}]},
            "category": [{"coding": [{"code": "59284-0"}]}],
            "policyRule": {"coding": [{"code": "OPTIN"}]},
            "patient": {"reference": "Patient/p1"},
            "provision": {"type": "permit", "provision": [{"type": "deny", "purpose": [{"code": "HRESCH"}]}]},
        }
    )
    raw = "\n".join(json.dumps(one) for one in made)
    for lexeme in ("4.10", "4.12345678901234567", "5.0"):
        raw = raw.replace('"@"', lexeme, 1)
    return raw.encode()


def founded(folder: Path) -> House:
    """A home that took them in."""
    house = init_home(folder / "home", clock=FrozenClock(NOW))
    receive(house, [Delivery(feed(), "ehr", "fhir", "export.ndjson")])
    return house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One home for the tests that change nothing of persons."""
    made = founded(tmp_path_factory.mktemp("sdk"))
    yield made
    made.close()


def scientist(house: House) -> Home:
    """Research, without names."""
    return open_door("", role="data_scientist", purpose="HRESCH", actor="ada", house=house)


def steward(house: House) -> Home:
    """Operations, with a reason."""
    return open_door("", role="steward", purpose="HOPERAT", reason="two of one name", actor="ben", house=house)


def person_of(house: House, patient: str) -> str:
    """Who a feed's patient is."""
    sql = "select person from records where type = 'Patient' and body like ?"
    return str(house.shelf.query(sql, None, [f'%"value":"{patient}"%'])[1][0][0])


def accesses(house: House) -> list[dict[str, Any]]:
    """What the ledger says of access."""
    return [entry["notes"] for _, entry in house.ledger.find("access")]


def test_a_query_comes_in_every_shape(house: House) -> None:
    """Arrow, Polars, pandas and rows hold the same cells; a lexeme keeps its zero; who refuses is left out and counted."""
    frame = scientist(house).query("select person, lexeme, value, version from measurement order by lexeme")
    assert [row["lexeme"] for row in frame.rows()] == ["4.10", "5.0"] == frame.arrow()["lexeme"].to_pylist()
    assert (frame.left_out, len(frame), frame.columns) == (1, 2, ["person", "lexeme", "value", "version"])
    assert frame.polars().rows() == [tuple(row.values()) for row in frame]
    assert frame.pandas().to_dict("records") == frame.rows()
    assert "4.10" not in repr(frame)


def test_exact_cells_stay_exact(house: House) -> None:
    """A decimal and a whole number beside a gap pass through Polars and pandas without becoming doubles."""
    frame = scientist(house).query("select 10.10::decimal(18,2) as money, 9007199254740993 as whole union all select null, null")
    assert frame.rows() == [{"money": Decimal("10.10"), "whole": 2**53 + 1}, {"money": None, "whole": None}]
    assert frame.polars().rows()[0] == (Decimal("10.10"), 2**53 + 1)
    assert (frame.pandas()["money"][0], frame.pandas()["whole"][0]) == (Decimal("10.10"), 2**53 + 1)
    assert pa.types.is_decimal(frame.arrow()["money"].type)


def test_rules_are_those_of_the_command_line(house: House) -> None:
    """What `trivet query` refuses is refused here, and is on record with the actor's role and purpose."""
    with pytest.raises(Refused) as refused:
        scientist(house).query("select family from patient")
    assert refused.value.code == "E292"
    assert accesses(house)[-1] == {**accesses(house)[-1], "what": "refused", "role": "data_scientist", "purpose": "HRESCH"}
    with pytest.raises(Usage):
        scientist(house).query("delete from records")
    with pytest.raises(Usage) as unknown:
        open_door(house.home, purpose="CURIOSITY")
    assert unknown.value.code == "E291"
    bodies = scientist(house).query("select body from records").rows()
    assert {row["body"] for row in bodies} == {None}


def test_a_person_is_whole_digit_for_digit_and_on_record(house: House) -> None:
    """All records of one person with their digits, one access entry that names nobody; who it was stands in the vault."""
    person = person_of(house, "M1")
    before = len(accesses(house))
    found = steward(house).person(person)
    values = [one["valueQuantity"]["value"] for one in found.resources("Observation")]
    assert values == [Decimal("4.12345678901234567")]
    assert sorted(found.arrow()["type"].to_pylist()) == ["Consent", "Observation", "Patient"]
    told = accesses(house)[before:]
    assert [(one["act"], one["what"], one["persons"]) for one in told] == [("person", "read", "1")]
    assert person not in json.dumps(told)
    assert person in house.vault.get(told[0]["blob"]).decode()


def test_consent_refuses_one_person(tmp_path: Path) -> None:
    """A role that may read everything for research still may not read a person who refuses research; others it may."""
    policies = tmp_path / "home" / "site" / "access" / "policies.cedar"
    house = founded(tmp_path)
    policies.parent.mkdir(parents=True)
    policies.write_text('@id("open")\n@why("a test")\npermit (principal == Role::"data_scientist", action, resource);\n')
    try:
        home = scientist(house)
        with pytest.raises(Refused) as refused:
            home.person(person_of(house, "M1"))
        assert refused.value.code == "E132"
        assert accesses(house)[-1]["failed"] == "consent"
        assert len(home.person(person_of(house, "M0"))) == 2
    finally:
        house.close()


def test_nobody_is_not_an_empty_frame(house: House) -> None:
    """An unknown person, and a known one before anything was known, are errors."""
    with pytest.raises(NotFound):
        steward(house).person("p-nobody")
    with pytest.raises(NotFound):
        steward(house).person(person_of(house, "M0"), as_of=0)
    with pytest.raises(Refused):
        scientist(house).person(person_of(house, "M0"))


def test_features_are_those_of_the_house(house: House) -> None:
    """One row a case, the numbers that a decision would get, absences with their words, a person who refuses left out."""
    persons = [person_of(house, name) for name in ("M0", "M1", "M2")]
    frame = scientist(house).features("readmission", persons, at=datetime(2026, 3, 1, tzinfo=UTC))
    assert frame.arrow()["person"].to_pylist() == [persons[0], persons[2]]
    assert (frame.left_out, accesses(house)[-1]["persons"]) == (1, "2")
    one = house.features.one("readmission", persons[0], "2026-03-01T00:00:00.000000Z", house.landing.horizon())
    row = frame.rows()[0]
    assert [row[value.name] for value in one.values] == [value.value for value in one.values]
    assert row["age"] == 76.0
    assert frame.arrow().schema.field("age").metadata == {b"unit": b"a"}
    told = {row["feature"]: row for row in frame.long() if row["person"] == persons[0]}
    assert told["age"]["facts"][0]["path"] == "birthDate"
    assert told["los_days"]["value"] is None
    assert told["los_days"]["absence"]
    mark = house.role("erasures").mark(f"read {persons[0]}")
    assert mark in house.vault.get(accesses(house)[-1]["blob"]).decode()
    assert persons[0] not in house.vault.get(accesses(house)[-1]["blob"]).decode()


def test_what_was_known_then(house: House) -> None:
    """`as_of="at"` asks each case of its own instant: before the feed came nobody was known, and that is said."""
    person = person_of(house, "M0")
    home = scientist(house)
    assert len(home.features("readmission", [person], at=[NOW], as_of="at")) == 1
    with pytest.raises(NotFound):
        home.features("readmission", [person], at="2026-02-28", as_of="at")
    with pytest.raises(Usage):
        home.features("readmission", [person, person], at=[NOW])
    with pytest.raises(Usage):
        home.features("readmission", person)
    assert len(home.query("select * from persons", as_of=0)) == 0
    assert len(home.query("select * from persons", as_of=NOW)) == 2
    rows = home.query("select person, taken_at from observation where person = (select min(person) from observation)").rows()
    noon = home.features("readmission", [row["person"] for row in rows], at=[row["taken_at"] for row in rows]).rows()
    assert [row["instant"] for row in noon] == [datetime(2026, 2, 1, 8, tzinfo=UTC)]


def test_a_decision_tells_its_story(house: House) -> None:
    """The same story as `trivet explain`, for who may see all of it; the look is on record."""
    person = person_of(house, "M0")
    answer = decide(house, Question("readmission", person, NOW, "site", "clinician", "treatment"))
    story = steward(house).explain(answer.decision_id)
    assert (story["decision_id"], story["record"]["person"]) == (answer.decision_id, person)
    assert (accesses(house)[-1]["act"], accesses(house)[-1]["door"]) == ("explain", "sdk")
    with pytest.raises(Refused):
        scientist(house).explain(answer.decision_id)
    with pytest.raises(NotFound):
        steward(house).explain("D-999999")


def test_a_missing_library_says_how_to_get_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Polars or pandas the door still opens; the one command that helps is in the error."""
    frame = scientist(house).query("select 1 as one")
    for name, make in (("polars", frame.polars), ("pandas", frame.pandas)):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(Fault) as missing:
            make()
        assert missing.value.help == f"pip install 'trivet[{name}]'"


def test_the_door_opens_and_closes(tmp_path: Path) -> None:
    """`trivet.open` gives a home back when the block ends, and says what to do where there is none; an erased person is gone here too,
    and so is what the looks at them said."""
    house = founded(tmp_path)
    person = person_of(house, "M0")
    house.close()
    with trivet.open(tmp_path / "home", role="steward", purpose="HOPERAT", reason="a look") as home:
        assert len(home.person(person)) == 2
    house = init_again(tmp_path)
    read = next(one["blob"] for one in accesses(house) if one.get("act") == "person")
    erase(house, person, reason="asked", by="ada")
    with pytest.raises(NotFound):
        house.vault.get(read)
    house.close()
    with trivet.open(str(tmp_path / "home"), role="steward", purpose="HOPERAT", reason="a look") as home, pytest.raises(NotFound):
        home.person(person)
    with pytest.raises(NotFound) as none:
        trivet.open(tmp_path / "nowhere")
    assert none.value.code == "E121"


def init_again(folder: Path) -> House:
    """The same home, for who may write."""
    from trivet.wiring.build import open_home

    return open_home(folder / "home", clock=FrozenClock(NOW))
