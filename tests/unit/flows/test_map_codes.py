"""Local codes to standard ones: suggestions that must fit the code's own values, and nothing accepted without a human."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import releases
from trivet.contracts.house import House
from trivet.contracts.revision import Chosen
from trivet.flows.map_codes import decide_code, release_changes, suggest_codes
from trivet.flows.receive import Delivery, receive
from trivet.flows.remap import remap
from trivet.flows.repair import decide as repaired
from trivet.flows.repair import find
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import NotFound, Refused, Usage
from trivet.wiring import terminology
from trivet.wiring.build import init_home, open_home
from trivet.wiring.shadow import rebuild_home

NOW = "2026-03-01T08:00:00.000000Z"
LAB, PHARMACY, LOINC, RXNORM = "urn:lab", "urn:pharmacy", "http://loinc.org", "http://www.nlm.nih.gov/research/umls/rxnorm"


def result(number: int, code: str, display: str, value: Any = None, unit: str = "", text: str = "") -> dict[str, Any]:
    """An Observation under a local code."""
    seen = {"valueQuantity": {"value": value, "unit": unit}} if value is not None else {"valueString": text}
    return {
        "resourceType": "Observation",
        "id": f"{code}{number}",
        "status": "final",
        "subject": {"reference": "Patient/a"},
        "code": {"coding": [{"system": LAB, "code": code, "display": display}]},
        "effectiveDateTime": "2026-02-01T08:00:00Z",
    } | seen


def order(number: int) -> dict[str, Any]:
    """A MedicationRequest under a local code."""
    coding = {"system": PHARMACY, "code": "EX10", "display": "Examplin 10 mg oral tablet"}
    return {
        "resourceType": "MedicationRequest",
        "id": f"m{number}",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/a"},
        "medicationCodeableConcept": {"coding": [coding]},
    }


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A home with LOINC and RxNorm of the fixtures, six results and two orders under local codes."""
    home = tmp_path / "home"
    init_home(home, clock=FrozenClock(NOW)).close()
    opened = open_home(home, clock=FrozenClock(NOW))
    terminology.load(opened, "loinc", releases.loinc(tmp_path / "loinc"), "2.81")
    terminology.load(opened, "rxnorm", releases.rxnorm(tmp_path / "rxnorm"), "03022026")
    resources = [
        {"resourceType": "Patient", "id": "a", "name": [{"family": "Zz"}], "birthDate": "1961-04-17", "gender": "female"},
        *(result(number, "CREA", "Creatinine, serum", 1.0 + number / 10, "mg/dL") for number in range(4)),
        result(0, "UCOL", "Urine color", text="yellow"),
        result(0, "UCRE", "Creatinine urine", 90, "mg/dL"),
        order(1),
        order(2),
    ]
    raw = "".join(json.dumps(resource) + "\n" for resource in resources).encode()
    receive(opened, [Delivery(raw, "lab", "fhir", "export.ndjson")])
    yield opened
    opened.close()


def told(house: House) -> dict[str, dict[str, Any]]:
    """The queue by code."""
    return {one["code"]: one for one in suggest_codes(house)["codes"]}


def decide(
    house: House, code: str, target: str, action: str = "accept", by: str = "dr. lab", reason: str = "method sheet"
) -> dict[str, Any]:
    """A decision about a lab code, or about the drug."""
    systems = (PHARMACY, RXNORM) if code == "EX10" else (LAB, LOINC)
    choice = terminology.choice("lab", systems[0], code, systems[1], target, "")
    return decide_code(house, action, choice, by=by, reason=reason)


def codings(house: House, code: str) -> list[str]:
    """The codes of one record with a local code, as it stands."""
    marked = f'body like \'%"code":"{code}"%\''
    rows = house.shelf.query(f"select body from records where {marked} order by key, version desc limit 1")[1]
    body = json.loads(rows[0][0])
    return [one["code"] for one in (body.get("code") or body["medicationCodeableConcept"])["coding"]]


def test_candidates_that_the_values_speak_against_are_dropped_and_that_is_said(house: House) -> None:
    """Creatinine in mg/dL: the one by substance falls by its unit, the one in urine by the specimen; the right one comes first."""
    queue = told(house)
    crea = queue["CREA"]
    assert crea["suggestions"][0]["code"] == "9001-1"
    assert {"unit fits: mg/dL", "specimen fits: Ser/Plas"} <= set(crea["suggestions"][0]["evidence"])
    dropped = {one["code"]: one["why"] for one in crea["dropped"]}
    assert dropped["9002-9"].startswith("unit: mg/dL came")
    assert dropped["9003-7"].startswith("specimen: the text says serum or plasma")
    assert "9004-5" not in [one["code"] for one in crea["suggestions"]]
    assert queue["UCRE"]["suggestions"][0]["code"] == "9003-7"
    assert queue["UCOL"]["suggestions"][0]["code"] == "9004-5"
    assert (crea["volume"], crea["share"], crea["decisions"]) == (4, "50.0", 0)


def test_nothing_is_accepted_by_itself(house: House) -> None:
    """The very name of a standard code is a suggestion like any other: no row is written, nothing is mapped."""
    assert told(house)["EX10"]["suggestions"][0]["score"] == "1.0000"
    assert not (Path(house.home) / "site" / "terminology.csv").exists()
    assert remap(house, Chosen("lab"), accept=False, report=lambda _: None)["same"]


def test_an_accepted_code_is_a_row_with_its_evidence_and_changes_nothing_until_it_is_applied(house: House) -> None:
    """Who, when, why and the evidence stand in the row, the row in the vault and the ledger; `remap` shows the plan and does it."""
    answer = decide(house, "CREA", "9001-1")
    row = answer["row"]
    assert (row["status"], row["approver"], row["since"], answer["plan"]) == (
        "approved",
        "dr. lab",
        "2026-03-01",
        "trivet remap --source lab",
    )
    assert row["reason"].startswith("method sheet [likeness ")
    assert "4 uses, 0 decisions" in row["reason"]
    entry = house.ledger.entry(answer["ledger"])
    assert (entry["kind"], entry["notes"]["status"]) == ("terminology.map", "approved")
    assert "CREA" not in json.dumps(entry)
    assert codings(house, "CREA") == ["CREA"]
    house.close()
    with_map = open_home(Path(house.home), clock=FrozenClock(NOW))
    plan = remap(with_map, Chosen("lab"), accept=False, report=lambda _: None)
    assert (plan["changed"], plan["accepted"]) == (4, False)
    assert codings(with_map, "CREA") == ["CREA"]
    remap(with_map, Chosen("lab"), accept=True, report=lambda _: None)
    assert codings(with_map, "CREA") == ["CREA", "9001-1"]
    with_map.close()


def test_two_people_where_a_dose_hangs_on_it(house: House) -> None:
    """One approval is a suggestion; the same person again, in whatever letters, is refused; the second person makes it hold."""
    first = decide(house, "EX10", "5002", by="A. Pharm")
    assert (first["row"]["status"], first["approvals_missing"], first["plan"]) == ("suggested", 1, "")
    with pytest.raises(Refused) as error:
        decide(house, "EX10", "5002", by=" a. pharm ")
    assert error.value.code == "E397"
    second = decide(house, "EX10", "5002", by="B. Doctor")
    assert (second["row"]["status"], second["row"]["approver"], second["approvals_missing"]) == ("approved", "A. Pharm; B. Doctor", 0)
    with pytest.raises(Refused) as error:
        decide(house, "EX10", "5002", by="C. Nurse")
    assert error.value.code == "E396"


def test_a_rejected_target_is_not_suggested_again_and_an_approved_one_is_retired(house: House) -> None:
    """What a human said no to is dropped with who said it; taking an approval back writes a row, and removes none."""
    decide(house, "UCRE", "9003-7")
    taken = decide(house, "UCRE", "9003-7", "reject", reason="wrong method")
    assert taken["row"]["status"] == "retired"
    decide(house, "CREA", "9001-1", "reject")
    queue = told(house)
    assert {one["why"] for one in queue["CREA"]["dropped"] if one["code"] == "9001-1"} == {"rejected by dr. lab on 2026-03-01"}
    lines = (Path(house.home) / "site" / "terminology.csv").read_text().splitlines()
    assert len(lines) == 4
    house.role("normaliser")
    house.close()
    again = open_home(Path(house.home), clock=FrozenClock(NOW))
    assert remap(again, Chosen("lab"), accept=False, report=lambda _: None)["same"]
    again.close()


def test_what_another_feed_approved_is_remembered(house: House) -> None:
    """An approved row of another feed with the same code comes first, with who approved it."""
    decide(house, "UCOL", "9004-5", by="dr. urine")
    raw = json.dumps(result(9, "UCOL", "Farbe", text="gelb")).encode()
    receive(house, [Delivery(raw, "lab2", "fhir", "one.ndjson")])
    [found] = [one for one in suggest_codes(house, "lab2")["codes"] if one["code"] == "UCOL"]
    assert found["suggestions"][0]["evidence"][0] == "approved for lab by dr. urine"


def test_what_cannot_be_decided(house: House) -> None:
    """No name, no reason, a code that is retired or not there, a system nobody loaded, a code that does not wait."""
    for by, reason in (("", "x"), ("dr. lab", " ")):
        with pytest.raises(Usage):
            decide(house, "CREA", "9001-1", by=by, reason=reason)
    for target in ("9006-0", "no-such"):
        with pytest.raises(Refused):
            decide(house, "CREA", target)
    with pytest.raises(Refused):
        decide_code(house, "accept", terminology.choice("lab", LAB, "CREA", "http://snomed.info/sct", "1", ""), by="x", reason="y")
    with pytest.raises(NotFound):
        decide(house, "NOPE", "9001-1")
    assert not (Path(house.home) / "site" / "terminology.csv").exists()


def bed(number: int, code: str, day: str) -> dict[str, Any]:
    """An Observation under a code of the house's own system."""
    coding = {"system": releases.HOUSE, "code": code}
    return result(number, code, "") | {"code": {"coding": [coding]}, "effectiveDateTime": f"{day}T08:00:00Z", "valueString": "seen"}


def test_codes_that_were_retired_on_the_day_of_the_event_are_found(house: House, tmp_path: Path) -> None:
    """A check names the record with a code after its end; before its end it passes, and systems that nobody loaded are not spoken of."""
    terminology.load(house, "fhir", releases.fhir(tmp_path / "house"), "")
    rows = [bed(1, "cot", "2025-02-01"), bed(2, "cot", "2023-02-01"), bed(3, "icu", "2025-02-01"), bed(4, "cot", "2019-02-01")]
    receive(house, [Delivery("\n".join(map(json.dumps, rows)).encode(), "beds", "fhir", "beds.ndjson")])
    verdict = {one.check: one for one in house.checks.run()}["code-retired"]
    assert (verdict.failing, verdict.total, verdict.verdict) == (2, 4, "fail")
    assert all("cot" in row["why"] and "2024-06-30" in row["why"] for row in house.checks.rows("code-retired"))


def test_what_a_release_changed_for_the_codes_in_use(house: House, tmp_path: Path) -> None:
    """Gone and renamed codes that records bear come with their uses and days; the others are counted, and listed when asked for."""
    terminology.load(house, "fhir", releases.fhir(tmp_path / "one"), "")
    after = releases.fhir(tmp_path / "two", "2") / "house.json"
    after.write_text(after.read_text().replace("Intensive care bed", "Critical care bed").replace('"code": "ward"', '"code": "ward-2"'))
    terminology.load(house, "fhir", after.parent, "")
    rows = [bed(1, "icu", "2025-02-01"), bed(2, "icu", "2025-03-01"), bed(3, "ward", "2025-02-01")]
    receive(house, [Delivery("\n".join(map(json.dumps, rows)).encode(), "beds", "fhir", "beds.ndjson")])
    found = release_changes(house, releases.HOUSE, "1", "2")
    assert [(one["change"], one["code"], one["uses"], one["first"], one["last"]) for one in found["changes"]] == [
        ("gone", "ward", 1, "2025-02-01", "2025-02-01"),
        ("renamed", "icu", 2, "2025-02-01", "2025-03-01"),
    ]
    assert found["all"] == {"gone": 1, "new": 1, "renamed": 1}
    assert len(release_changes(house, releases.HOUSE, "1", "2", every=True)["changes"]) == 3
    with pytest.raises(NotFound):
        release_changes(house, releases.HOUSE, "1", "3")


def test_a_strong_suggestion_is_a_repair_that_a_person_decides(house: House) -> None:
    """One target of the very name is proposed; accepting it is the map's own decision, with its approvers; undoing it retires the row."""
    assert find(house) == {"map-code": 1}
    assert find(house) == {}
    [one] = house.role("repairs").rows()
    assert one["edits"][0].before["code"] == "EX10"
    first = repaired(house, one["repair"], "accept", by="ada", reason="label")
    assert (first["act"], first["approvals_missing"]) == ("vote", 1)
    assert house.role("repairs").row(one["repair"])["state"] == "open"
    second = repaired(house, one["repair"], "accept", by="ben", reason="label")
    assert (second["act"], second["status"], second["plan"]) == ("accept", "approved", "trivet remap --source lab")
    remap(house, Chosen(source="lab"), accept=True, report=lambda _: None)
    assert house.role("mapping").rows()[-1]["status"] == "approved"
    assert repaired(house, one["repair"], "undo", by="ada", reason="another label")["status"] == "retired"
    assert house.role("repairs").row(one["repair"])["state"] == "undone"
    assert rebuild_home(house, repair=False, report=lambda _: None)["same"]
