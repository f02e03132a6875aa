"""Random histories of a governed model, step by step, against an oracle that reads the tables with its own eyes."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from office_house import DUTIES, NOW, PEOPLE, SEATING, SITE, Ward
from trivet.contracts.decision import DecisionRecord
from trivet.flows.decide import decide
from trivet.governance.decisions import TABLES as DECISIONS
from trivet.governance.decisions import replay_decisions
from trivet.governance.events import TABLES, replay
from trivet.governance.evidence import later
from trivet.kernel.errors import NotFound, Refused

MODELS = ("readmit-gb", "lace")
SEATS = tuple(SEATING)
counter = itertools.count()


class Histories(RuleBasedStateMachine):
    """Everybody does anything, in any order; the office refuses what it must, and the gate never lets through what it must not."""

    @initialize()
    def open(self) -> None:
        """Two models, one live and one behind it: from here on everything can only get worse, or be mended."""
        self.folder = tempfile.TemporaryDirectory()
        self.ward = Ward(Path(self.folder.name) / "home")
        self.ward.people()
        self.ward.bring_live("readmit-gb")
        self.ward.bring_live("lace", place="fallback")

    def teardown(self) -> None:
        """INV-8: at the end of every history the tables are what ledger and vault say."""
        if not hasattr(self, "ward"):
            return
        both = {**TABLES, **DECISIONS}
        before = {table: self.ward.store.read(f"SELECT * FROM {table} ORDER BY {order}") for table, order in both.items()}
        self.ward.store.write(lambda tx: replay(tx, self.ward.vault, self.ward.ledger))
        self.ward.store.write(lambda tx: replay_decisions(tx, self.ward.vault, self.ward.ledger))
        assert {table: self.ward.store.read(f"SELECT * FROM {table} ORDER BY {order}") for table, order in both.items()} == before
        self.ward.close()
        self.folder.cleanup()

    def act(self, work: Any) -> None:
        """Try; being refused is a fine answer."""
        try:
            self.ward.write(work)
        except (Refused, NotFound):
            self.ward.gate.refresh()

    @rule(name=st.sampled_from(MODELS))
    def vote_all(self, name: str) -> None:
        """Whoever sits votes, as far as they may."""
        for seat, who in self.ward.office.state().seats(name).items():
            self.act(lambda tx, seat=seat, who=who: self.ward.office.votes.cast(tx, name, seat, who, SITE))

    @rule(name=st.sampled_from(MODELS), place=st.sampled_from(["active", "fallback"]))
    def promote(self, name: str, place: str) -> None:
        """One step, or a swap, or a refusal that is kept."""
        self.act(lambda tx: self.ward.office.promote(tx, name, "readmission", SITE, by="local:test", place=place))

    @rule(name=st.sampled_from(MODELS))
    def bring_live(self, name: str) -> None:
        """Votes and steps until nothing moves: so that histories reach the interesting part."""
        for _ in range(2):
            self.vote_all(name)
            self.promote(name, "active")

    @rule(name=st.sampled_from(MODELS), who=st.sampled_from(PEOPLE))
    def suspend(self, name: str, who: str) -> None:
        """Anybody may."""
        self.act(lambda tx: self.ward.office.suspend(tx, name, "history", by=who))

    @rule(name=st.sampled_from(MODELS), seat=st.sampled_from(SEATS))
    def leave(self, name: str, seat: str) -> None:
        """A seat falls vacant."""
        self.act(lambda tx: self.ward.office.seats.leave(tx, name, seat, "history", by="founding"))

    @rule(name=st.sampled_from(MODELS), seat=st.sampled_from(SEATS), who=st.sampled_from(PEOPLE))
    def take(self, name: str, seat: str, who: str) -> None:
        """Somebody takes it, if they may."""
        self.act(lambda tx: self.ward.office.seats.take(tx, name, seat, who, by="founding"))

    @rule(who=st.sampled_from(PEOPLE))
    def dismiss(self, who: str) -> None:
        """Somebody leaves the house."""
        self.act(lambda tx: self.ward.office.seats.dismiss(tx, who, "history", by="founding"))

    @rule(who=st.sampled_from(PEOPLE))
    def enrol(self, who: str) -> None:
        """Somebody comes back."""
        self.act(lambda tx: self.ward.office.seats.enrol(tx, who, who.title(), "Ward 4", "staff", by="founding"))

    @rule(
        name=st.sampled_from(MODELS),
        requirement=st.sampled_from(["local-validity", "subgroup-validity", "intended-use"]),
        kind=st.sampled_from(["M", "M", "A"]),
        result=st.sampled_from(["pass", "pass", "fail", "insufficient_n"]),
        value=st.integers(60, 90),
        days=st.integers(1, 400),
    )
    def prove(self, name: str, requirement: str, kind: str, result: str, value: int, days: int) -> None:
        """More evidence, good or bad, with an end of its own."""
        now = self.ward.clock.at
        item = self.ward.evidence(
            name, requirement, kind=kind, result=result, value=f"0.{value}", produced_at=now, expires_at=later(now, days)
        )
        self.act(lambda tx: self.ward.office.releases.prove(tx, item, by="evaluation"))

    @rule(pick=st.integers(0, 20))
    def withdraw(self, pick: int) -> None:
        """An item is taken back."""
        items = self.ward.office.state().all_evidence()
        if items:
            self.act(lambda tx: self.ward.office.releases.withdraw(tx, items[pick % len(items)].id, "history", by="ivy"))

    @rule(days=st.sampled_from([1, 30, 100]))
    def wait(self, days: int) -> None:
        """Time passes."""
        self.ward.clock.at = later(self.ward.clock.at, days)

    @rule(name=st.sampled_from(MODELS))
    def flip(self, name: str) -> None:
        """One bit of the loaded bytes changes, or changes back."""
        self.ward.models[name].artefact[0] ^= 1

    @rule(age=st.sampled_from([70.0, 12.0, None]))
    def somebody_else(self, age: float | None) -> None:
        """The next person is of another age, or nobody knows."""
        self.ward.features.age = age

    @rule()
    def ask_plainly(self) -> None:
        """As the site always asks."""
        self.ask(SITE, "clinician")

    @rule(site=st.sampled_from([SITE, SITE, SITE, "south"]), role=st.sampled_from(["clinician", "clinician", "visitor"]))
    def ask(self, site: str, role: str) -> None:
        """INV-1: an answer leaves only from a model that the oracle allows; every model that was passed over has its denial."""
        before = {name: model.calls for name, model in self.ward.models.items()}
        answer = decide(self.ward.house, self.ward.question(site=site, role=role))
        called = {name for name, model in self.ward.models.items() if model.calls > before[name]}
        assert answer.seq >= 0
        record = DecisionRecord.from_json(self.ward.vault.get(self.ward.ledger.entry(answer.seq)["notes"]["blob"]))
        allowed = {name for name in MODELS if self.oracle(name, site, role)}
        assert called <= allowed
        event(answer.outcome)
        if answer.prediction is not None:
            assert {answer.prediction.model.name} == called
        else:
            assert not called
            assert not {attempt.model.name for attempt in record.attempts} & allowed
        denied = self.ward.store.read("SELECT model FROM denial WHERE decision_id = ?", (answer.decision_id,))
        passed_over = [one.model.name for one in record.attempts if one.came_of != "scored"]
        assert sorted(name for (name,) in denied) == sorted(passed_over or ([] if answer.prediction else [""]))

    def oracle(self, name: str, site: str, role: str) -> bool:
        """May it answer? From the tables, without a line of the gate's code."""
        read, now, model = self.ward.store.read, self.ward.clock.at, self.ward.models[name]
        if read("SELECT 1 FROM suspension WHERE model = ? AND lifted_at = ''", (name,)):
            return False
        seats = {
            row[0]
            for row in read("SELECT seat FROM seat JOIN principal USING (principal) WHERE system = ? AND until = '' AND active", (name,))
        }
        live = read(
            "SELECT body FROM serving_grant WHERE model = ? AND revoked_at = '' AND stage <> 'silent'"
            " AND not_before <= ? AND expires_at > ?"
            " AND NOT EXISTS (SELECT 1 FROM evidence, json_each(serving_grant.body, '$.evidence') AS bound"
            " WHERE evidence.id = json_extract(bound.value, '$[0]') AND (evidence.withdrawn OR evidence.expires_at <= ?))",
            (name, now, now, now),
        )
        granted = any(model.artefact_digest in body for (body,) in live)
        age = self.ward.features.age
        return granted and set(DUTIES) <= seats and site == SITE and role == "clinician" and age is not None and age >= 18

    @invariant()
    def grants_are_within_their_evidence(self) -> None:
        """INV-2, and S3, S4, S7 over whatever seats there are."""
        if not hasattr(self, "ward"):
            return
        for grant in self.ward.office.state().grants():
            assert all(grant.expires_at <= until for _, until in grant.evidence)
            assert grant.expires_at >= NOW
        for name in MODELS:
            held = self.ward.office.state().seats(name)
            owners = [held[seat] for seat in ("clinical_owner", "operational_owner", "administrative_owner") if seat in held]
            assert len(set(owners)) == len(owners)
            assert "validator" not in held or held["validator"] not in (held.get("approve"), held.get("correct"))
            assert not {"kim"} & {held.get("approve"), held.get("validator")}


TestHistories = Histories.TestCase
TestHistories.__doc__ = "Random histories: no answer without permission, no grant beyond its evidence, tables as the ledger says."
TestHistories.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
