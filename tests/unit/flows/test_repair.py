"""Repairs: proposed with evidence, decided by a person, a version of its own, undone exactly, the same after a rebuild and an erasure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trivet.contracts.access import Caller
from trivet.contracts.house import House
from trivet.contracts.revision import Chosen
from trivet.data.checklist import rows_of, shipped_checks
from trivet.data.repair.propose import MAKERS, kinds
from trivet.flows.erase import erase
from trivet.flows.fsck import fsck
from trivet.flows.receive import Delivery, receive
from trivet.flows.remap import remap
from trivet.flows.repair import decide, find, look_at, look_over
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import NotFound, Refused, Usage
from trivet.wiring.build import init_home
from trivet.wiring.shadow import rebuild_home

NOW = "2026-03-01T00:00:00.000000Z"
WHY = {"by": "sister ruth", "reason": "looked at the chart"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A fresh home."""
    made = init_home(tmp_path / "home", clock=FrozenClock(NOW))
    yield made
    made.close()


def patient(name: str, born: str = "1961-04-17", **more: Any) -> dict[str, Any]:
    """A Patient."""
    return {
        "resourceType": "Patient",
        "id": name,
        "name": [{"family": f"Fam{name}", "given": ["Ann"]}],
        "birthDate": born,
        "gender": "female",
    } | more


def creatinine(name: str, value: float, about: str = "a") -> dict[str, Any]:
    """A creatinine that says mg/dL."""
    return {
        "resourceType": "Observation", "id": name, "status": "final", "subject": {"reference": f"Patient/{about}"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]}, "effectiveDateTime": "2026-02-01T08:00:00Z",
        "valueQuantity": {"value": value, "unit": "mg/dL"},
    }  # fmt: skip


def stay(name: str, start: str = "2026-01-01T08:00:00Z", **more: Any) -> dict[str, Any]:
    """An Encounter of a."""
    return {
        "resourceType": "Encounter",
        "id": name,
        "status": "finished",
        "class": {"code": "IMP"},
        "subject": {"reference": "Patient/a"},
        "period": {"start": start, "end": "2026-01-03T08:00:00Z"},
    } | more


def take(house: House, *resources: dict[str, Any]) -> None:
    """Receive these as one NDJSON file."""
    receive(house, [Delivery("".join(json.dumps(one) + "\n" for one in resources).encode(), "ehr", "fhir", "export.ndjson")])


def proposals(house: House) -> list[dict[str, Any]]:
    """All repairs."""
    return list(house.role("repairs").rows())


def bodies(house: House, record: str) -> list[dict[str, Any]]:
    """All versions of a record by the name that its source gives it."""
    kind, _, name = record.partition("/")
    key = next(key for key, body in house.store.read("select key, body from record_version where type = ?", (kind,)) if f'"{name}"' in body)
    return [
        json.loads(body, parse_float=Decimal)
        for (body,) in house.store.read("select body from record_version where key = ? order by version", (key,))
    ]


def wrong_units(house: House) -> None:
    """Creatinines in micromoles that say milligrams: impossible, and usual in umol/L."""
    take(house, patient("a"), *(creatinine(f"o{n}", 80 + n) for n in range(3)))


def same(house: House) -> bool:
    """Does a rebuild make the same?"""
    return bool(rebuild_home(house, repair=False, report=lambda _: None)["same"]) and fsck(house)["sound"]


def test_every_row_of_the_table_can_be_made() -> None:
    """Each kind has its maker and its check; each says what it changes, what it needs and why."""
    assert {row["kind"] for row in kinds().values()} == {*MAKERS, "map-code"}
    assert set(kinds()) <= {check.check for check in shipped_checks()}
    assert all(all(row.values()) for row in rows_of("quality", "repairs.csv"))


def test_a_unit_is_put_right_by_a_person_and_by_nobody_else(house: House) -> None:
    """Finding changes no record; accepting makes a version that names the repair, with the number's digits kept and the canonical value
    anew."""
    wrong_units(house)
    before = house.store.read("select * from record_version")
    assert find(house) == {"unit": 3}
    assert house.store.read("select * from record_version") == before
    assert find(house) == {}
    one = proposals(house)[0]
    assert (one["state"], one["kind"], one["check"]) == ("open", "unit", "unit-mixed-up")
    assert any("as umol/L it is" in said for said in one["evidence"])
    told = decide(house, one["repair"], "accept", **WHY)
    assert told["version"] == 2
    versions = [
        json.loads(body) for (body,) in house.store.read("select body from record_version where key = ? order by version", (one["record"],))
    ]
    assert versions[0] == json.loads(next(row[-1] for row in before if one["record"] in row))
    was, now = versions[0]["valueQuantity"], versions[1]["valueQuantity"]
    assert (now["value"], now["code"], now["unit"]) == (was["value"], "umol/L", "umol/L")
    assert 0.8 < now["extension"][0]["valueQuantity"]["value"] < 1.0
    assert versions[1]["meta"]["tag"] == [{"system": "urn:trivet:repair", "code": one["repair"]}]
    assert {row["record"] for row in house.checks.rows("unit-mixed-up")} == {
        row["record"] for row in proposals(house) if row["state"] == "open"
    }  # type: ignore[attr-defined]
    seq, entry = next(iter(house.ledger.find("repair.decided")))
    assert (seq, entry["notes"]["act"], entry["refs"]) == (told["ledger"], "accept", [one["found"]])
    assert "sister ruth" not in json.dumps(entry)
    assert same(house)


def test_known_since_the_decision_and_not_before(house: House) -> None:
    """As of the position before it, the record is what it was: a decision made then rested on that."""
    wrong_units(house)
    find(house)
    one = proposals(house)[0]
    told = decide(house, one["repair"], "accept", **WHY)
    sql = "select unit from measurement where record = ?"
    assert house.shelf.query(sql, told["ledger"] - 1, (one["record"],))[1] == [("mg/dL",)]
    assert house.shelf.query(sql, None, (one["record"],))[1] == [("umol/L",)]


def test_undoing_is_exact(house: House) -> None:
    """The body that the source said stands again, byte for byte, as a third version; the repair is not proposed again."""
    wrong_units(house)
    find(house)
    one = proposals(house)[0]
    decide(house, one["repair"], "accept", **WHY)
    told = decide(house, one["repair"], "undo", **WHY)
    rows = house.store.read("select digest, body from record_version where key = ? order by version", (one["record"],))
    assert (told["version"], rows[2], len(rows)) == (3, rows[0], 3)
    assert next(row["state"] for row in proposals(house) if row["repair"] == one["repair"]) == "undone"
    assert find(house) == {}
    assert same(house)


def test_who_says_the_same_again_changes_nothing_and_another_word_counts(house: House) -> None:
    """A feed that repeats its mistake does not undo the repair, nor does reading old bytes again; a correction of the source stands over
    it."""
    wrong_units(house)
    find(house)
    one = next(
        row
        for row in proposals(house)
        if house.store.read("select body like '%\"value\":80%' from record_version where key = ?", (row["record"],))[0][0]
    )
    decide(house, one["repair"], "accept", **WHY)
    take(house, creatinine("o0", 80), creatinine("o9", 90))
    assert house.store.read("select count(*) from record_version where key = ?", (one["record"],)) == [(2,)]
    assert remap(house, Chosen(), accept=True, report=lambda _: None)["same"]
    assert same(house)
    take(house, creatinine("o0", 0.9))
    assert house.store.read("select count(*) from record_version where key = ?", (one["record"],)) == [(3,)]
    assert next(row["state"] for row in proposals(house) if row["repair"] == one["repair"]) == "overtaken"
    with pytest.raises(Refused) as late:
        decide(house, one["repair"], "undo", **WHY)
    assert late.value.code == "E362"
    assert same(house)


def test_a_no_is_a_no(house: House) -> None:
    """What was declined is not proposed of that record again; decisions need who and why, and are taken once."""
    wrong_units(house)
    find(house)
    one, two, _ = proposals(house)
    decide(house, one["repair"], "reject", **WHY)
    assert find(house) == {}
    for again in ("accept", "reject", "undo"):
        with pytest.raises(Refused) as twice:
            decide(house, one["repair"], again, **WHY)
        assert twice.value.code == "E365"
    with pytest.raises(Usage):
        decide(house, two["repair"], "accept", by="sister ruth", reason=" ")
    with pytest.raises(NotFound):
        decide(house, "R-nothing", "accept", **WHY)
    assert same(house)


def test_what_moved_on_is_not_repaired(house: House) -> None:
    """A proposal about a version that is no longer the newest is stale; the next search proposes for the one that stands."""
    wrong_units(house)
    find(house)
    one = proposals(house)[0]
    value = int(
        json.loads(house.store.read("select body from record_version where key = ?", (one["record"],))[0][0])["valueQuantity"]["value"]
    )
    take(house, creatinine(f"o{value - 80}", value + 20))
    assert next(row["state"] for row in proposals(house) if row["repair"] == one["repair"]) == "stale"
    with pytest.raises(Refused) as moved:
        decide(house, one["repair"], "accept", **WHY)
    assert moved.value.code == "E361"
    assert find(house) == {"unit": 1}


def test_a_placeholder_becomes_unknown(house: House) -> None:
    """The birth date goes and its absence is said; nobody's guess takes its place; the person is linked anew."""
    take(house, patient("a", "1900-01-01"))
    assert find(house) == {"birth-date": 1}
    decide(house, proposals(house)[0]["repair"], "accept", **WHY)
    now = bodies(house, "Patient/Fama")[-1]
    assert "birthDate" not in now
    assert now["_birthDate"]["extension"][0]["valueCode"] == "unknown"
    assert house.checks.rows("person-placeholder") == []  # type: ignore[attr-defined]
    assert same(house)


def test_the_later_of_two_stays_is_taken_back(house: House) -> None:
    """One source told one stay twice: the later one becomes entered-in-error; stays that end differently are two stays."""
    take(house, patient("a"), stay("e1"), stay("x1", "2026-02-01T08:00:00Z"))
    take(
        house,
        stay("e2", "2026-01-01T08:20:00Z"),
        stay("x2", "2026-02-01T08:20:00Z") | {"period": {"start": "2026-02-01T08:20:00Z", "end": "2026-02-09T08:00:00Z"}},
    )
    assert find(house) == {"twice": 1}
    one = proposals(house)[0]
    decide(house, one["repair"], "accept", **WHY)
    assert house.store.read("select max(deleted) from record_version where key = ?", (one["record"],)) == [(1,)]
    assert bodies(house, "Encounter/2026-01-01T08:20:00Z")[-1]["status"] == "entered-in-error"
    assert house.shelf.query("select count(*) from encounter")[1] == [(3,)]
    decide(house, one["repair"], "undo", **WHY)
    assert house.shelf.query("select count(*) from encounter")[1] == [(4,)]
    assert same(house)


def test_identifiers_that_were_swapped(house: House) -> None:
    """By the shapes that the systems usually have; the person is linked by the right numbers from then on."""

    def numbers(n: int) -> list[dict[str, str]]:
        return [{"system": "urn:mrn", "value": f"M{1000 + n}"}, {"system": "urn:ssn", "value": f"{100 + n}-22-{3000 + n}"}]

    people = [patient(f"p{n}", f"19{40 + n}-01-02", identifier=numbers(n)) for n in range(24)]
    one, two = people[5]["identifier"]
    one["value"], two["value"] = two["value"], one["value"]
    take(house, *people)
    assert find(house) == {"swapped": 1}
    decide(house, proposals(house)[0]["repair"], "accept", **WHY)
    assert [one["value"] for one in bodies(house, "Patient/Famp5")[-1]["identifier"]][:2] == ["M1005", "105-22-3005"]
    assert house.checks.rows("identifiers-swapped") == []  # type: ignore[attr-defined]
    assert same(house)


def test_erasing_takes_repairs_along(house: House) -> None:
    """Proposals, decisions and versions of a person who is erased are gone; others' stay, and a rebuild makes the same."""
    wrong_units(house)
    take(house, patient("b", "1970-02-03"), creatinine("b0", 95, "b"))
    find(house)
    rows = proposals(house)
    for row in rows:
        decide(house, row["repair"], "accept", **WHY)
    subject = house.store.read("select subject from record_version where body like '%\"Fama\"%'")[0][0]
    [(person,)] = house.store.read("select distinct person from link where subject = ?", (subject,))
    erase(house, person, reason="asked", by="sister ruth")
    left = proposals(house)
    assert [row["state"] for row in left] == ["accepted"]
    assert subject not in {row["subject"] for row in left}
    assert len(house.store.read("select * from repair_version")) == 1
    unreadable = 0
    for kind in ("repair.found", "repair.decided"):
        for _, entry in house.ledger.find(kind):
            try:
                assert subject.encode() not in house.vault.get(entry["notes"]["blob"])
            except NotFound:
                unreadable += 1
    assert unreadable == 4
    assert same(house)
    take(house, patient("c", "1980-02-03"), creatinine("c0", 99, "c"))
    find(house)
    decide(house, next(row["repair"] for row in proposals(house) if row["state"] == "open"), "accept", **WHY)
    assert same(house)


def test_looking_at_values_is_asked_and_on_record(house: House) -> None:
    """Who may not see names does not see a birth date by way of a repair."""
    take(house, patient("a", "1900-01-01"))
    find(house)
    name = proposals(house)[0]["repair"]
    with pytest.raises(Refused):
        look_at(house, name, Caller("data_scientist", "HRESCH"))
    assert look_at(house, name, Caller("steward", "HOPERAT", "deciding"))["edits"][0].before == "1900-01-01"
    assert [entry["notes"]["what"] for _, entry in house.ledger.find("access")] == ["refused", "read"]
    assert house.shelf.query("select state, kind from repairs")[1] == [("open", "birth-date")]


def test_the_list_is_what_the_relation_shows_to_this_caller(house: House) -> None:
    """Who may not read `repairs` is refused, on record; what a person who refuses the purpose is about is left out and cannot be opened;
    the state says what became of a repair since."""
    wrong_units(house)
    take(house, patient("b", "1970-02-03"), creatinine("b0", 95, "b"))
    find(house)
    steward = Caller("steward", "HOPERAT", "deciding")
    rows, left_out = look_over(house, steward)
    assert [row["repair"] for row in rows] == [row["repair"] for row in proposals(house)]
    assert (len(rows), left_out, {row["state"] for row in rows}) == (4, 0, {"open"})
    assert not {"edits", "evidence"} & set(rows[0])
    with pytest.raises(Refused) as barred:
        look_over(house, Caller("finance", "HPAYMT"))
    assert barred.value.code == "E292"
    take(house, creatinine("o0", 70))
    assert sorted(row["state"] for row in look_over(house, steward)[0]) == ["open", "open", "open", "stale"]
    refusal = {
        "resourceType": "Consent", "id": "c1", "status": "active", "patient": {"reference": "Patient/a"},
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}], "provision": {"type": "deny"},
    }  # fmt: skip
    take(house, refusal)
    rows, left_out = look_over(house, steward)
    assert (len(rows), left_out) == (1, 1)
    hidden = next(row["repair"] for row in proposals(house) if row["repair"] != rows[0]["repair"])
    with pytest.raises(Refused) as refused:
        look_at(house, hidden, steward)
    assert refused.value.code == "E132"
    assert look_at(house, rows[0]["repair"], steward)["repair"] == rows[0]["repair"]
    assert "refused" in [entry["notes"]["what"] for _, entry in house.ledger.find("access")]
