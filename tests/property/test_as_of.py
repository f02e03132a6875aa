"""What was known then is what is read today: slices recorded along a history never change, whoever reads and whatever is tidied.

Real SQLite and real Parquet. The history: messages that add, change, take back and hand over records, persons merged, files written and
written together, files lost, persons erased, and the home opened again. Two readers: the store, and DuckDB over the Parquet files.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from trivet.contracts.house import House
from trivet.data import segments
from trivet.flows.erase import erase
from trivet.flows.receive import Delivery, receive
from trivet.kernel.clock import FrozenClock
from trivet.wiring.build import init_home, open_home
from trivet.wiring.shadow import rebuild_home

NOW = FrozenClock("2026-03-01T08:00:00.000000Z")
WHO = st.integers(0, 3)
NAMES = ("Larch", "Fennel", "Sorrel", "Yarrow")
SMALL = {"WORTH_A_FILE": 4, "FULL": 16}  # so that a history of a few messages has several files, and some written together
Slice = list[dict[str, Any]]


def patient(who: int, town: str, replaces: int | None = None) -> dict[str, Any]:
    """A Patient record; two of them that say so are one person."""
    names, numbers = [{"family": NAMES[who], "given": ["Ada"]}], [{"system": "urn:mrn", "value": f"9{who}"}]
    told = {"resourceType": "Patient", "id": f"x{who}", "name": names, "identifier": numbers, "birthDate": f"19{who + 50}-02-03"}
    links = [{"other": {"reference": f"Patient/x{replaces}"}, "type": "replaces"}]
    return {**told, "address": [{"city": town}]} | ({"link": links} if replaces is not None else {})


def seen(number: int, who: int, value: int, status: str) -> dict[str, Any]:
    """An Observation; the same number is the same record, whoever it is about."""
    code = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}
    quantity = {"value": value, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"}
    told = {"resourceType": "Observation", "id": f"o{number}", "status": status, "code": code, "valueQuantity": quantity}
    return {**told, "subject": {"reference": f"Patient/x{who}"}, "effectiveDateTime": "2026-03-01T07:30:00Z"}


class History(RuleBasedStateMachine):
    """A home, and the slices that were recorded along its way: (person, position) -> what was known."""

    house: House

    @initialize()
    def begin(self) -> None:
        """A home with four patients."""
        self.folder = Path(tempfile.mkdtemp())
        self.kept = {name: getattr(segments, name) for name in SMALL}
        for name, size in SMALL.items():
            setattr(segments, name, size)
        init_home(self.folder / "home", clock=NOW).close()
        self.house = open_home(self.folder / "home", clock=NOW)
        self.recorded: dict[tuple[str, int], Slice] = {}
        self.number = 0
        for who in range(4):
            self.send(patient(who, "Riverbend"))

    def send(self, *resources: dict[str, Any]) -> None:
        """One message."""
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}
        self.number += 1
        receive(self.house, [Delivery(json.dumps(bundle).encode(), "ehr", "fhir", f"{self.number}.json")])

    def persons(self) -> list[str]:
        """Everybody who is known now."""
        return [person for (person,) in self.house.store.read("select distinct person from identity_record order by person")]

    @rule(who=WHO, number=st.integers(0, 5), value=st.integers(60, 70), status=st.sampled_from(["final", "final", "entered-in-error"]))
    def observe(self, who: int, number: int, value: int, status: str) -> None:
        """A record is added, changed, taken back, or turns out to be about somebody else."""
        self.send(seen(number, who, value, status))

    @rule(who=WHO, town=st.sampled_from(["Riverbend", "Larchfield", "Millbrook"]), number=st.integers(0, 5))
    def move(self, who: int, town: str, number: int) -> None:
        """A patient moves; the same message says something else of them."""
        self.send(patient(who, town), seen(number, who, 80, "final"))

    @rule(one=WHO, two=WHO)
    def merge(self, one: int, two: int) -> None:
        """The sender says that two records are one person."""
        if one != two:
            self.send(patient(one, "Riverbend", replaces=two))

    @rule(data=st.data())
    def record(self, data: st.DataObject) -> None:
        """Write down what is known of somebody now, and what was known at an earlier position."""
        now = self.house.ledger.size() - 1
        person = data.draw(st.sampled_from(self.persons() or ["p-nobody"]))
        for position in {now, data.draw(st.integers(0, now))}:
            self.recorded[person, position] = self.house.shelf.slice(person, position)

    @rule()
    def compact(self) -> None:
        """Files are written, and small ones written together."""
        self.house.shelf.publish()

    @rule()
    def lose_files(self) -> None:
        """Files are a cache: whatever is lost is no loss."""
        for path in (self.folder / "home" / "shelves").glob("*.parquet"):
            path.unlink()

    @rule()
    def expire(self) -> None:
        """Every file is forgotten, and written again when somebody asks."""
        self.house.role("segments").drop()

    @rule()
    def reopen(self) -> None:
        """Only the disk counts."""
        self.house.close()
        self.house = open_home(self.folder / "home", clock=NOW)

    @precondition(lambda self: len(self.persons()) > 1)
    @rule(data=st.data())
    def erase_somebody(self, data: st.DataObject) -> None:
        """A person is erased: their slices are gone, nobody else's change."""
        person = data.draw(st.sampled_from(self.persons()))
        subjects = {row[0] for row in self.house.store.read("select subject from identity_record where person = ?", (person,))}
        erase(self.house, person, reason="request", by="officer")
        for name, known in list(self.recorded.items()):
            if name[0] == person or any(one["subject"] in subjects for one in known):
                assert not {one["subject"] for one in self.house.shelf.slice(*name)} & subjects
                del self.recorded[name]

    @invariant()
    def read_as_recorded(self) -> None:
        """The store gives what was recorded."""
        for (person, position), known in getattr(self, "recorded", {}).items():
            assert self.house.shelf.slice(person, position) == known

    def teardown(self) -> None:
        """The other reader agrees on everything, and vault and ledger alone give the same tables."""
        if not hasattr(self, "house"):
            return
        try:
            for position in {position for _, position in self.recorded}:
                bulk = self.house.shelf.versions(None, position).to_pylist()
                newest = {row["key"]: row for row in sorted(bulk, key=lambda row: row["version"])}
                for (person, at), known in self.recorded.items():
                    if at == position:
                        held = [row for row in newest.values() if row["person"] == person and not row["deleted"]]
                        assert [(row["key"], row["version"], row["known_seq"]) for row in sorted(held, key=lambda row: row["key"])] == [
                            (one["key"], one["version"], one["known_seq"]) for one in known
                        ]
                        assert [json.loads(newest[one["key"]]["body"]) for one in known] == [
                            json.loads(json.dumps(one["resource"], default=float)) for one in known
                        ]
            answer = rebuild_home(self.house, repair=False, report=lambda _: None)
            assert answer["same"], answer["differing"]
        finally:
            self.house.close()
            for name, size in self.kept.items():
                setattr(segments, name, size)
            shutil.rmtree(self.folder)


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=6, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck))
