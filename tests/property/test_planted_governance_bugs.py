"""Each invariant of governance, broken on purpose: the bad thing then happens, so the tests that forbid it can fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from office_house import SITE, Ward
from trivet.flows.decide import decide
from trivet.governance import evidence, lifecycle, votes
from trivet.governance.evidence import later
from trivet.governance.state import State


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """readmit-gb in silence, proven, nobody has voted on more."""
    ward = Ward(tmp_path)
    ward.people()
    ward.seat("readmit-gb")
    ward.write(lambda tx: ward.office.releases.register(tx, ward.release("readmit-gb"), by="lou"))
    ward.prove("readmit-gb")
    ward.vote("readmit-gb")
    ward.promote("readmit-gb")
    yield ward
    ward.close()


def test_a_grant_that_takes_the_latest_expiry_outlives_its_evidence(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """INV-2 planted: max instead of min."""
    monkeypatch.setattr(lifecycle, "expiry", lambda items, review: max([review, *(item.expires_at for item in items)]))
    ward.vote("readmit-gb")
    ward.promote("readmit-gb")
    grant = ward.office.state().grants()[-1]
    assert any(grant.expires_at > until for _, until in grant.evidence)


def test_a_set_digest_that_ignores_evidence_lets_old_votes_stand(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """S12 planted: the digest does not depend on what is in the set."""
    for module in (lifecycle, votes):
        monkeypatch.setattr(module, "evidence_set", lambda items, needed, site: (evidence.evidence_set(items, needed, site)[0], "0" * 64))
    ward.vote("readmit-gb")
    ward.write(lambda tx: ward.office.releases.prove(tx, ward.evidence("readmit-gb", "local-validity", value="0.75"), by="evaluation"))
    assert ward.office.ballot("readmit-gb", SITE).passed


def test_a_gate_that_does_not_read_results_takes_a_failure_for_proof(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """INV-5 planted: `insufficient_n` counts like `pass`."""
    weak = ward.evidence("readmit-gb", "local-validity", result="insufficient_n", value="0.75")
    ward.write(lambda tx: ward.office.releases.prove(tx, weak, by="evaluation"))
    assert "evidence:local-validity" in [item.code for item in ward.office.ballot("readmit-gb", SITE).failing]
    honest = evidence._weak

    def blind(need, release, site, item, at):  # type: ignore[no-untyped-def]
        return honest(need, release, site, replace(item, result="pass"), at)

    monkeypatch.setattr(evidence, "_weak", blind)
    assert "evidence:local-validity" not in [item.code for item in ward.office.ballot("readmit-gb", SITE).failing]


def test_a_record_that_does_not_look_again_releases_under_a_dead_grant(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """INV-1 planted: the transaction does not compare governance with what the gate knew."""
    ward.vote("readmit-gb")
    ward.promote("readmit-gb")
    seen, original = ward.gate.seen(), ward.models["readmit-gb"].predict

    def slow(row):  # type: ignore[no-untyped-def]
        ward.store.write(lambda tx: ward.office.suspend(tx, "readmit-gb", "now", by="jon"))
        return original(row)

    ward.models["readmit-gb"].predict = slow  # type: ignore[method-assign]
    monkeypatch.setattr(State, "position", lambda self: seen)
    assert decide(ward.house, ward.question()).outcome == "scored"


def test_a_policy_without_its_rules_seats_anybody_anywhere(ward: Ward) -> None:
    """S2, S3, S4 planted: the table of separation is empty."""
    empty = replace(ward.office.policy, rules=())
    ward.office._desk.policy = empty
    for seat, who in (("validator", "ada"), ("clinical_owner", "gus"), ("approve", "kim")):
        ward.write(lambda tx, seat=seat: ward.office.seats.leave(tx, "readmit-gb", seat, "test", by="founding"))
        ward.write(lambda tx, seat=seat, who=who: ward.office.seats.take(tx, "readmit-gb", seat, who, by="founding"))
    assert ward.office.state().seats("readmit-gb")["approve"] == "kim"


def test_an_expired_grant_that_is_not_looked_at_answers(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """Expiry planted: the gate is asked about a moment long ago."""
    ward.vote("readmit-gb")
    ward.promote("readmit-gb")
    ward.clock.at = later(ward.clock.at, 400)
    assert decide(ward.house, ward.question()).outcome == "withheld"
    honest = ward.gate.ask
    monkeypatch.setattr(ward.gate, "ask", lambda request: honest(replace(request, at=later(request.at, -399))))
    assert decide(ward.house, ward.question()).outcome == "scored"
