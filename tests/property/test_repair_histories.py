"""Random histories of feeds, proposals, decisions and erasures: nothing known changes, nothing is repaired unasked, a rebuild makes the
same."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.contracts.house import House
from trivet.flows.erase import erase
from trivet.flows.receive import Delivery, receive
from trivet.flows.repair import decide, find
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import Refused
from trivet.wiring.build import init_home
from trivet.wiring.shadow import rebuild_home

pytestmark = pytest.mark.long

PEOPLE = ("a", "b")
STEP = st.one_of(
    st.tuples(st.just("take"), st.sampled_from(PEOPLE), st.integers(0, 1), st.sampled_from([80, 95, 1])),
    st.tuples(st.just("born"), st.sampled_from(PEOPLE), st.sampled_from(["1900-01-01", "1961-04-17"])),
    st.tuples(st.just("find")),
    st.tuples(st.sampled_from(["accept", "reject", "undo"]), st.integers(0, 3)),
    st.tuples(st.just("erase"), st.sampled_from(PEOPLE)),
)


def observation(person: str, number: int, value: int) -> dict[str, Any]:
    """A creatinine that says mg/dL; 80 and 95 are micromoles."""
    return {
        "resourceType": "Observation", "id": f"{person}{number}", "status": "final", "subject": {"reference": f"Patient/{person}"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]}, "effectiveDateTime": "2026-02-01T08:00:00Z",
        "valueQuantity": {"value": value, "unit": "mg/dL"},
    }  # fmt: skip


def patient(person: str, born: str) -> dict[str, Any]:
    """A Patient."""
    return {"resourceType": "Patient", "id": person, "name": [{"family": f"Fam{person}", "given": ["Ann"]}], "birthDate": born}


def act(house: House, step: tuple[Any, ...]) -> None:
    """One step, where it can be taken."""
    kind, *rest = step
    if kind in ("take", "born"):
        said = observation(*rest) if kind == "take" else patient(*rest)
        receive(house, [Delivery(json.dumps(said).encode(), "ehr", "fhir", "one.json")])
    elif kind == "find":
        before = house.store.read("select count(*) from record_version")
        find(house)
        assert house.store.read("select count(*) from record_version") == before
    elif kind == "erase":
        found = house.store.read(
            "select l.person from link as l join record_version as v on v.subject = l.subject where v.body like ?", (f'%"Fam{rest[0]}"%',)
        )
        if found:
            erase(house, found[0][0], reason="asked", by="ada")
    else:
        rows = house.role("repairs").rows()
        if rest[0] < len(rows):
            try:
                decide(house, rows[rest[0]]["repair"], kind, by="ada", reason="a test")
            except Refused:
                return
            if kind == "undo":
                record, version = rows[rest[0]]["record"], rows[rest[0]]["version"]
                bodies = house.store.read("select body from record_version where key = ? order by version", (record,))
                assert bodies[-1] == bodies[version - 1]


@settings(max_examples=12, deadline=None)
@given(st.lists(STEP, max_size=14))
def test_histories(steps: list[tuple[Any, ...]]) -> None:
    """Every version that was known stays byte for byte unless its person is erased; every repaired one names a repair that a person
    accepted."""
    with tempfile.TemporaryDirectory() as folder:
        house = init_home(Path(folder) / "home", clock=FrozenClock("2026-03-01T00:00:00.000000Z"))
        try:
            for person in PEOPLE:
                act(house, ("born", person, "1961-04-17"))
                act(house, ("take", person, 0, 95))
            for step in steps:
                before = set(house.store.read("select key, version, known_seq, body from record_version"))
                act(house, step)
                now = set(house.store.read("select key, version, known_seq, body from record_version"))
                assert before <= now or step[0] == "erase"
            accepted = {entry["notes"]["id"] for _, entry in house.ledger.find("repair.decided") if entry["notes"]["act"] == "accept"}
            for (body,) in house.store.read("select body from record_version"):
                tags = {tag["code"] for tag in json.loads(body).get("meta", {}).get("tag", []) if tag["system"] == "urn:trivet:repair"}
                assert tags <= accepted
            assert rebuild_home(house, repair=False, report=lambda _: None)["same"]
        finally:
            house.close()
