"""Whenever any condition is broken, the model is not called, somebody else answers or nobody does, and a denial is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from office_house import NOW, SITE, Ward
from trivet.contracts.decision import DecisionRecord
from trivet.contracts.governance import LIVE_STAGES
from trivet.contracts.verdict import GateRequest, Permit, Refusal
from trivet.flows.decide import decide
from trivet.governance.evidence import later
from trivet.governance.gate import GovernanceGate, Snapshot, evaluate, snapshot
from trivet.governance.predicate import holds

BREAKS = {
    # how each condition is broken, and the code the gate must give for it
    "suspended": "suspended",
    "revoked": "no-grant",
    "flipped": "artefact",
    "vacant": "seat-vacant",
    "dismissed": "seat-vacant",
    "expired": "expired",
    "withdrawn": "expired",
    "site": "site",
    "role": "role",
    "purpose": "purpose",
    "population": "population",
    "unknown age": "population",
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for as many homes as the search wants."""
    return tmp_path_factory.mktemp("gate")


def break_it(ward: Ward, how: str, changed: dict[str, str]) -> None:
    """Make one condition false, in the way the world makes it false."""
    office, model = ward.office, ward.models["readmit-gb"]
    if how == "suspended":
        ward.write(lambda tx: office.suspend(tx, "readmit-gb", "property", by="jon"))
    elif how == "revoked":
        for grant in office.state().grants(model.ref.digest):
            words = {"id": grant.id, "reason": "property"}
            ward.write(lambda tx, words=words: office.note(tx, "grant", "revoke", "jon", "readmit-gb", words))
    elif how == "flipped":
        model.artefact[0] ^= 1
    elif how == "vacant":
        ward.write(lambda tx: office.seats.leave(tx, "readmit-gb", "answer", "moved away", by="founding"))
    elif how == "dismissed":
        ward.write(lambda tx: office.seats.dismiss(tx, "cho", "left", by="founding"))
    elif how == "expired":
        ward.clock.at = later(NOW, 181)
    elif how == "withdrawn":
        item = next(one for one in office.state().evidence(model.ref.digest) if one.requirement == "local-validity")
        ward.write(lambda tx: office.releases.withdraw(tx, item.id, "wrong cohort", by="ivy"))
    elif how == "population":
        ward.features.age = 12.0
    elif how == "unknown age":
        ward.features.age = None
    else:
        changed[how] = "elsewhere"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    how=st.lists(st.sampled_from([*BREAKS, "unwritable"]), max_size=4, unique=True),
    with_fallback=st.booleans(),
    number=st.integers(0, 10**12),
)
def test_a_broken_condition_never_calls_the_model(places: Path, how: list[str], with_fallback: bool, number: int) -> None:
    """For random histories: the model is called exactly when nothing is broken (INV-1, INV-11)."""
    ward = Ward(places / f"home-{number}-{len(list(places.iterdir()))}")
    try:
        ward.people()
        ward.bring_live("readmit-gb")
        if with_fallback:
            ward.bring_live("lace", place="fallback")
        changed: dict[str, str] = {}
        for one in how:
            if one != "unwritable":
                break_it(ward, one, changed)
        if "unwritable" in how:
            ward.store.write(lambda tx: tx.execute("DROP TABLE ledger_edge"))
        answer = decide(ward.house, ward.question(**changed))
        called = ward.models["readmit-gb"].calls
        if not how:
            assert (answer.outcome, answer.mode, called) == ("scored", "active", 1)
            return
        assert called == 0
        assert answer.mode == "fallback" or answer.withheld is not None
        if "unwritable" in how:
            assert (answer.prediction, answer.seq) == (None, -1)
            assert sum(model.calls for model in ward.models.values()) == 0
            return
        assert answer.seq >= 0
        record = DecisionRecord.from_json(ward.vault.get(ward.ledger.entry(answer.seq)["notes"]["blob"]))
        refused = record.attempts[0].refusal
        assert refused is not None
        assert {BREAKS[one] for one in how} <= set(refused.failed)
        assert answer.decision_id in [entry["notes"]["id"] for _, entry in ward.ledger.find("denial")]
    finally:
        ward.close()


REQUEST = st.builds(
    GateRequest,
    use=st.sampled_from(["readmission", "deterioration"]),
    model=st.none(),
    artefact_digest=st.text("0123456789abcdef", min_size=64, max_size=64),
    site=st.sampled_from([SITE, "south", ""]),
    role=st.sampled_from(["clinician", "visitor", ""]),
    purpose=st.sampled_from(["treatment", "marketing", ""]),
    at=st.sampled_from([NOW, "2020-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"]),
    population=st.dictionaries(st.sampled_from(["age", "stays"]), st.one_of(st.none(), st.floats(allow_nan=True), st.text(max_size=3))),
    ledger_writable=st.one_of(st.booleans(), st.none(), st.just("yes")),
    mode=st.sampled_from(["active", "fallback", "shadow", "?"]),
)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, Ward]:
    """A snapshot with one live grant, and the closed ward it came from."""
    ward = Ward(tmp_path_factory.mktemp("known") / "home")
    ward.people()
    ward.bring_live("readmit-gb")
    found = snapshot(ward.office.state(), ward.office.policy)
    ward.close()
    return found, ward


@settings(max_examples=1500, deadline=None)
@given(request=REQUEST, own_bytes=st.booleans())
def test_the_gate_is_pure_and_says_yes_only_inside_one_grant(known: tuple[Snapshot, Ward], request: GateRequest, own_bytes: bool) -> None:
    """Random requests: same answer twice; a permit implies every single condition, checked here without the gate's own code."""
    now, ward = known
    model = ward.models["readmit-gb"]
    request = replace(request, model=model.ref, artefact_digest=model.artefact_digest if own_bytes else request.artefact_digest)
    said = evaluate(now, request)
    assert said == evaluate(now, request)
    if isinstance(said, Refusal):
        assert said.failed
        assert said.instead
        return
    grant = next(one for grants in now.grants.values() for one in grants if one.id == said.grant)
    assert request.artefact_digest == grant.artefact == model.artefact_digest
    assert (request.site, request.use) == (SITE, "readmission")
    assert request.role in grant.roles
    assert request.purpose in grant.purposes
    assert grant.not_before <= request.at < grant.expires_at
    assert all(request.at < until for _, until in grant.evidence)
    assert not grant.revoked_at
    assert grant.stage in LIVE_STAGES
    assert holds(grant.population, request.population)
    assert set(now.duties) <= set(said.seats)
    assert request.ledger_writable is True
    assert request.model.name not in now.suspended


def test_the_snapshot_of_a_live_model_does_permit(known: tuple[Snapshot, Ward]) -> None:
    """The property above is not empty: the plain request passes, and the shadow stage does not let an answer out."""
    now, ward = known
    model = ward.models["readmit-gb"]
    plain = GateRequest("readmission", model.ref, model.artefact_digest, SITE, "clinician", "treatment", NOW, {"age": 70.0}, True)
    assert isinstance(evaluate(now, plain), Permit)
    silent = replace(now, grants={model.ref.digest: tuple(replace(one, stage="silent") for one in now.grants[model.ref.digest])})
    assert isinstance(evaluate(silent, replace(plain, mode="shadow")), Permit)
    refused = evaluate(silent, plain)
    assert isinstance(refused, Refusal)
    assert refused.failed == ("stage",)


@pytest.mark.parametrize("how", list(BREAKS))
def test_a_gate_that_forgets_one_condition_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Planted bug: the gate drops one code. Then, and only then, the model is called: nothing else hides a broken gate."""

    def forgetful(now: Snapshot, request: GateRequest) -> Permit | Refusal:
        said = evaluate(now, request)
        grants = now.grants[request.model.digest]
        left = (
            [code for code in said.failed if code != BREAKS[how] and not (how == "suspended" and code == "no-grant")]
            if isinstance(said, Refusal)
            else []
        )
        return said if left or isinstance(said, Permit) else Permit(grants[0].id, dict(now.seats[request.model.name]), grants[0].expires_at)

    ward = Ward(tmp_path / "home")
    ward.people()
    ward.bring_live("readmit-gb")
    changed: dict[str, str] = {}
    break_it(ward, how, changed)
    decide(ward.house, ward.question(**changed))
    assert ward.models["readmit-gb"].calls == 0
    monkeypatch.setattr("trivet.governance.gate.evaluate", forgetful)
    decide(ward.house, ward.question(**changed))
    assert ward.models["readmit-gb"].calls == 1
    ward.close()


def test_a_gate_that_cannot_look_fails_to_refusal(tmp_path: Path) -> None:
    """A lost control plane: after the time to live the snapshot refuses, and so does an error inside the gate."""
    now = [0.0]
    ward = Ward(tmp_path / "home")
    ward.people()
    ward.bring_live("readmit-gb")
    gate = GovernanceGate(ward.store, ward.office.policy, ttl=5.0, tick=lambda: now[0])
    model = ward.models["readmit-gb"]
    plain = GateRequest("readmission", model.ref, model.artefact_digest, SITE, "clinician", "treatment", NOW, {"age": 70.0}, True)
    assert isinstance(gate.ask(plain), Permit)
    now[0] = 5.1
    assert gate.ask(plain) == Refusal(("governance-stale",), gate.ask(plain).instead)  # type: ignore[union-attr]
    gate.refresh()
    assert isinstance(gate.ask(plain), Permit)
    broken = replace(plain, at=None)  # type: ignore[arg-type]
    said = gate.ask(broken)
    assert isinstance(said, Refusal)
    assert said.failed == ("gate-error",)
    ward.close()
