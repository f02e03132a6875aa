"""What was known then is what is read today: slices recorded along a history never change, whoever reads and whatever is tidied.

Real SQLite, Parquet, Iceberg. The history: messages that add, change, take back and hand over records, persons merged, files written and
written together, files lost, persons erased, the shelf published, compacted and expired, the home opened again, the store made again
from vault and ledger. The readers: the store; DuckDB over its Parquet files; every engine over the published Iceberg table, and over the
raw records of a moment. All of them give the same slice of the same person at the same moment, row for row.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from trivet.contracts.engine import Engine
from trivet.contracts.house import House
from trivet.data import segments
from trivet.flows.erase import erase
from trivet.flows.lake import prove, publish
from trivet.flows.receive import Delivery, receive
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import Fault, NotFound, Usage
from trivet.wiring.build import init_home, open_home
from trivet.wiring.engines import open_engine
from trivet.wiring.shadow import rebuild_home
from trivet.wiring.viewing import of_home

NOW = FrozenClock("2026-03-01T08:00:00.000000Z")
PLAIN = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
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


PULSES: dict[str, Any] = {
    "resourceType": "https://sql-on-fhir.org/ig/StructureDefinition/ViewDefinition",
    "status": "active",
    "resource": "Observation",
    "select": [
        {
            "column": [
                {"name": name, "path": path}
                for name, path in (("id", "id"), ("status", "status"), ("value", "value.ofType(Quantity).value"))
            ]
        }
    ],
}
HELD = "select subject from link where person = :person and known_seq <= :at and (until_seq is null or until_seq > :at)"


def told(known: Slice) -> list[tuple[Any, ...]]:
    """A slice as the engines must give it: which version of which record, and the record itself as text."""
    return [(one["key"], one["version"], one["known_seq"], json.dumps(one["resource"], default=float, sort_keys=True)) for one in known]


class History(RuleBasedStateMachine):
    """A home, and the slices that were recorded along its way: (person, position) -> what was known."""

    house: House
    engines: tuple[str, ...] = ("duckdb", "reference")

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

    @rule(tidy=st.sampled_from(["", "", "compact", "expire"]))
    def publish_shelf(self, tidy: str) -> None:
        """The versions are published as an Iceberg table; its files are written together, its old snapshots forgotten."""
        publish(self.house)
        if tidy:
            getattr(self.house.role("lake"), tidy)()

    @rule()
    def make_the_store_again(self) -> None:
        """Everything that the store knows of records and persons is lost, and made again by another store from vault and ledger."""
        for table in ("record_version", "link"):
            self.house.store.write(lambda tx, table=table: tx.execute(f"delete from {table}"))
        answer = rebuild_home(self.house, repair=True, report=lambda _: None)
        assert answer["repaired"] or answer["same"]

    def opened(self, name: str) -> Engine:
        """An engine that may read the published shelf."""
        return open_engine(name, threads=1, folders=[self.house.role("lake").folder]) if name == "duckdb" else open_engine(name)

    @rule()
    def swap_engines(self) -> None:
        """Whoever reads, and from whichever files: what was recorded is what is there."""
        for name in self.engines:
            engine: Any = self.opened(name)
            try:
                self.read_published(engine)
                self.read_raw(engine)
            finally:
                engine.close()

    def read_published(self, engine: Any) -> None:
        """The slices out of the published table, as far as it goes: the newest version of each record that was known then."""
        lake = self.house.role("lake")
        if not hasattr(engine, "parquet"):
            return
        try:
            known = lake.known("")
        except NotFound:
            return  # not published yet
        assert prove(self.house, "", None, engine)["equal"]
        tables = {at: lake.versions("", at, engine).to_pylist() for at in {at for _, at in self.recorded if at <= known}}
        for (person, at), slice_ in self.recorded.items():
            if at in tables:
                subjects = {row[0] for row in self.house.store.read(HELD, {"person": person, "at": at})}
                newest = {row["key"]: row for row in sorted(tables[at], key=lambda row: row["version"])}
                held = [row for _, row in sorted(newest.items()) if row["subject"] in subjects and not row["deleted"]]
                assert told([{**row, "resource": json.loads(row["body"])} for row in held]) == told(slice_)

    def read_raw(self, engine: Any) -> None:
        """A view over the records of a moment: each recorded observation stands in it once, with its value of then."""
        for position in {at for _, at in self.recorded}:
            engine.records("records", table=of_home(self.house, "Observation", as_of=position))
            shown = engine.view(PULSES, "records").to_pylist()  # of what was erased, a row without its value
            rows = [(row["id"], row["status"], str(float(row["value"]))) for row in shown if row["value"] is not None]
            for (_, at), slice_ in self.recorded.items():
                if at == position:
                    for one in (held["resource"] for held in slice_ if held["type"] == "Observation"):
                        assert rows.count((one["id"], one["status"], str(float(one["valueQuantity"]["value"])))) == 1

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
            publish(self.house)
            self.swap_engines()
            answer = rebuild_home(self.house, repair=False, report=lambda _: None)
            assert answer["same"], answer["differing"]
        finally:
            self.house.close()
            for name, size in self.kept.items():
                setattr(segments, name, size)
            shutil.rmtree(self.folder)


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=6, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck))


class LongHistory(History):
    """The same, longer, and read by Spark as well."""

    engines = ("duckdb", "reference", "spark")

    def opened(self, name: str) -> Engine:
        """One Spark session for all histories."""
        return Shared(spark()) if name == "spark" else super().opened(name)


class Shared:
    """An engine that outlives who uses it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def close(self) -> None:
        """Others go on with it."""


@cache
def spark() -> Engine:
    """Spark on one thread. Skips, and says so, where there is none."""
    try:
        engine = open_engine("spark", master="local[1]", options=PLAIN)
        engine.records("records")
    except (Fault, Usage) as error:
        pytest.skip(f"{error.what}: {error.help}")
    return engine


@pytest.mark.long
class TestLongHistory(LongHistory.TestCase):
    """Histories of thirty steps."""

    settings = settings(max_examples=8, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module", autouse=True)
def _spark_ends() -> Iterator[None]:
    """Whatever was started is stopped."""
    yield
    if spark.cache_info().currsize:
        spark().close()
