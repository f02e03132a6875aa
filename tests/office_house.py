"""A house with the real store, vault, ledger, office and gate, and small in-memory stand-ins for features and models."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trivet.contracts.feature import FeatureRow, FeatureValue
from trivet.contracts.governance import Evidence, Release
from trivet.contracts.house import House
from trivet.contracts.prediction import ModelRef, Prediction
from trivet.data.engines.sqlite import SQLiteStore
from trivet.data.keyring import KEY_SCHEMA, Keyring, create_master, read_master
from trivet.data.vault import SealedVault
from trivet.flows.attempt import Question
from trivet.governance.assessment import Assessment
from trivet.governance.gate import GovernanceGate
from trivet.governance.ledger import MerkleLedger
from trivet.governance.office import Office
from trivet.kernel.clock import FrozenClock
from trivet.kernel.digest import digest
from trivet.kernel.errors import NotFound, Rejected
from trivet.kernel.ieee754 import bits_of
from trivet.wiring.access import Access
from trivet.wiring.rooms import schema

NOW = "2026-03-01T08:00:00.000000Z"
SITE = "north"
DUTIES = ("approve", "operate", "monitor", "answer", "correct")
OWNERS = ("clinical_owner", "operational_owner", "administrative_owner")
PEOPLE = ("ada", "ben", "cho", "dee", "eli", "fay", "gus", "hal", "ivy", "jon", "kim", "lou")
SEATING = dict(
    zip(
        (*DUTIES, *OWNERS, "validator", "safety_officer"),
        ("ada", "ben", "cho", "dee", "eli", "fay", "gus", "hal", "ivy", "jon"),
        strict=True,
    )
)


@dataclass
class Known:
    """Landing, as far as a decision needs it."""

    at: int = 0

    def horizon(self) -> int:
        """Everything is settled."""
        return self.at


@dataclass
class Facts:
    """Feature rows by hand. `broken` makes every question fail."""

    age: float | None = 70.0
    broken: bool = False

    def view(self, name: str) -> dict[str, Any]:
        """Nothing to say."""
        return {"name": name}

    def one(self, view: str, person: str, instant: str, as_of: int) -> FeatureRow:
        """One row with an age and a count."""
        if self.broken:
            raise RuntimeError("no rows today")
        if person == "p-nobody":
            raise NotFound("E300", "no such person")
        age = FeatureValue("age", self.age, "a", (), "" if self.age is not None else "no birth date")
        return FeatureRow(person, instant, as_of, view, digest(view), (age, FeatureValue("stays", 2.0, "1", ())))

    def many(self, view: str, cohort: Sequence[tuple[str, str, int]]) -> list[FeatureRow]:
        """The same for many."""
        return [self.one(view, *case) for case in cohort]


@dataclass
class Model:
    """A model that counts how often it was called. Its artefact digest is that of the bytes it holds."""

    ref: ModelRef
    artefact: bytearray
    value: float = 0.25
    calls: int = 0
    crash: bool = False
    cannot: bool = False
    facts: dict[str, str] = field(default_factory=lambda: {"runtime": "by-hand/1", "batch": "1"})

    @property
    def artefact_digest(self) -> str:
        """Of the loaded bytes, now."""
        return hashlib.sha256(bytes(self.artefact)).hexdigest()

    def predict(self, row: FeatureRow) -> Prediction | Rejected:
        """Its one number."""
        self.calls += 1
        if self.crash:
            raise ZeroDivisionError("the model fell over")
        if self.cannot:
            return Rejected("E400", "an input is missing")
        return Prediction(self.ref, self.value, bits_of(self.value), "high", 0.2, (("stays", 0.5, "points"),))


class Shelf:
    """A registry over models by hand."""

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = {model.ref.digest: model for model in models}

    def versions(self) -> list[Any]:
        """Nothing in a folder that governance does not know."""
        return []

    def runtime(self, ref: ModelRef) -> Model:
        """The loaded model of a reference."""
        if ref.digest not in self.models:
            raise NotFound("E401", "not loaded")
        return self.models[ref.digest]


class Ward:
    """Everything a governance test needs, over one folder."""

    def __init__(self, folder: Path, *, gate_every: float = 0.05) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "keys").mkdir(exist_ok=True)
        if not (folder / "keys" / "master.key").exists():
            create_master(folder / "keys" / "master.key")
        self.clock = FrozenClock(NOW)
        self.keys = SQLiteStore(folder / "keys" / "keys.db", KEY_SCHEMA)
        self.store = SQLiteStore(folder / "home.db", schema())
        self.vault = SealedVault(self.store, Keyring(self.keys, read_master(folder / "keys" / "master.key")), folder / "vault")
        self.ledger = MerkleLedger(self.store)
        self.outbox: Any = None
        self.office = Office(self.store, self.vault, self.ledger, self.clock, leaving=self.leaving)
        self.gate = GovernanceGate(self.store, self.office.policy, every=gate_every)
        self.features = Facts()
        self.models = {
            name: Model(ModelRef(name, "1", digest(name)), bytearray(name.encode())) for name in ("readmit-gb", "lace", "silent-one")
        }
        self.registry = Shelf(list(self.models.values()))
        self.landing = Known()
        roles: dict[str, Any] = {
            "store": self.store,
            "vault": self.vault,
            "ledger": self.ledger,
            "landing": self.landing,
            "features": self.features,
            "registry": self.registry,
            "office": self.office,
            "gate": self.gate,
            "assessment": Assessment(self.office, self.query, lambda: self.ledger.size() - 1, self.clock, SITE),
        }
        settings = {"site": {"id": SITE}, "access": {"role": "operator", "purpose": "HOPERAT"}}
        self.house = House(str(folder), settings, self.clock, roles.__getitem__, self.close)
        roles["access"] = Access(self.house)

    def leaving(self, tx: Any, record: Any, seq: int) -> None:
        """What goes out because of a decision, where a test has set an outbox."""
        if self.outbox is not None:
            self.outbox.put(tx, record, seq)

    def query(self, sql: str, as_of: int | None, parameters: Sequence[Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Nothing is published here."""
        raise NotFound("E330", "nothing is published here")

    def close(self) -> None:
        """End everything."""
        self.gate.close()
        self.store.close()
        self.keys.close()

    def write(self, work: Any) -> Any:
        """One transaction, and the gate told of it."""
        result = self.store.write(work)
        self.gate.refresh()
        return result

    def people(self) -> None:
        """Everybody is enrolled."""
        self.write(lambda tx: [self.office.seats.enrol(tx, who, who.title(), "Ward 4", "staff", by="founding") for who in PEOPLE])

    def seat(self, system: str, **changed: str) -> None:
        """Every seat taken; `answer=""` leaves one vacant."""
        seating = {**SEATING, **changed}
        self.write(lambda tx: [self.office.seats.take(tx, system, seat, who, by="founding") for seat, who in seating.items() if who])

    def release(self, name: str, **changed: Any) -> Release:
        """A release of one of the models."""
        model = self.models[name]
        values: dict[str, Any] = {
            "model": name,
            "version": "1",
            "digest": model.ref.digest,
            "artefact": model.artefact_digest,
            "kind": "score",
            "output": "score",
            "tier": "T3",
            "title": name.title(),
            "uses": ("readmission",),
            "population": "age >= 18",
            "developers": ("kim",),
            "requested_by": "lou",
        }
        return Release(**{**values, **changed})

    def evidence(self, name: str, requirement: str, **changed: Any) -> Evidence:
        """A passing item, measured here."""
        values: dict[str, Any] = {
            "requirement": requirement,
            "kind": "M",
            "model": name,
            "version": "1",
            "digest": self.models[name].ref.digest,
            "site": SITE,
            "population": "",
            "metric": "auroc",
            "value": "0.74",
            "low": "0.70",
            "high": "0.78",
            "n": 400,
            "events": 80,
            "result": "pass",
            "dataset": digest("data"),
            "query": digest("query"),
            "code": digest("code"),
            "threshold": "0.7",
            "threshold_at": "2026-01-01T00:00:00.000000Z",
            "window_until": "2026-02-01T00:00:00.000000Z",
            "produced_by": "evaluation",
            "produced_at": NOW,
            "expires_at": "",
        }
        return Evidence(**{**values, **changed})

    def prove(self, name: str) -> None:
        """All the evidence that a pilot needs."""
        items = [
            self.evidence(name, "local-validity"),
            self.evidence(name, "subgroup-validity"),
            self.evidence(name, "intended-use", kind="A"),
        ]
        self.write(lambda tx: [self.office.releases.prove(tx, item, by="evaluation") for item in items])

    def vote(self, name: str, *, without: Sequence[str] = ()) -> None:
        """Every vote of the next step, each by who sits there."""
        ballot = self.office.ballot(name, SITE)
        step = self.office.policy.step(ballot.stage_from, ballot.stage_to)
        assert step is not None
        seats = self.office.state().seats(ballot.model)
        for seat in step.votes:
            if seat not in without:
                self.write(lambda tx, seat=seat: self.office.votes.cast(tx, name, seat, seats[seat], SITE))

    def promote(self, name: str, place: str = "active", use: str = "readmission") -> Any:
        """One step, or a swap."""
        return self.write(lambda tx: self.office.promote(tx, name, use, SITE, by="local:test", place=place))

    def bring_live(self, name: str, place: str = "active") -> None:
        """From nothing to answering."""
        self.seat(name)
        self.write(lambda tx: self.office.releases.register(tx, self.release(name), by="lou"))
        self.prove(name)
        for _ in range(2):
            self.vote(name)
            self.promote(name, place)

    def question(self, person: str = "p-1", **changed: Any) -> Question:
        """Who is asked about, as the site asks."""
        values: dict[str, Any] = {
            "use": "readmission",
            "person": person,
            "instant": NOW,
            "site": SITE,
            "role": "clinician",
            "purpose": "treatment",
        }
        return Question(**{**values, **changed})
