"""From registered to live: evidence, votes, separation of duties, grants and their arithmetic."""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from office_house import NOW, SITE, Model, Ward
from trivet.contracts.governance import Deed, Judgement
from trivet.contracts.prediction import ModelRef
from trivet.flows.decide import decide
from trivet.flows.promote import approve, promote
from trivet.flows.suspend import suspend
from trivet.governance.events import replay
from trivet.governance.evidence import later
from trivet.governance.grants import shortened
from trivet.governance.lifecycle import judge
from trivet.kernel.digest import digest
from trivet.kernel.errors import NotFound, Refused, Usage

TABLES = (
    "principal",
    "seat",
    "model_release",
    "stage",
    "evidence",
    "vote",
    "gate_run",
    "serving_grant",
    "route",
    "suspension",
    "governance_event",
)


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """People are there; readmit-gb is registered, seated and proven; nobody has voted."""
    ward = Ward(tmp_path)
    ward.people()
    ward.seat("readmit-gb")
    ward.write(lambda tx: ward.office.releases.register(tx, ward.release("readmit-gb"), by="lou"))
    ward.prove("readmit-gb")
    yield ward
    ward.close()


def to_silent(ward: Ward) -> None:
    """The first step."""
    ward.vote("readmit-gb")
    ward.promote("readmit-gb")


def test_a_promotion_without_votes_is_refused_and_says_who(ward: Ward) -> None:
    """Exit 3, every missing vote by name with the command that casts it, and the refused run is kept."""
    to_silent(ward)
    with pytest.raises(Refused) as refused:
        promote(ward.house, "readmit-gb", "readmission", SITE, "ada")
    assert refused.value.exit == 3
    assert set(refused.value.failed) == {
        "vote:approve",
        "vote:clinical_owner",
        "vote:operational_owner",
        "vote:administrative_owner",
        "vote:safety_officer",
    }
    assert "Clinical owner has not voted (fay)" in refused.value.why
    assert refused.value.help == "trivet approve readmit-gb --seat approve --as ada"
    assert [run["outcome"] for run in ward.office.state().gate_runs("readmit-gb")] == ["passed", "refused"]


def test_one_missing_vote_is_one_missing_vote(ward: Ward) -> None:
    """Everything is there but one seat's word."""
    to_silent(ward)
    ward.vote("readmit-gb", without=("administrative_owner",))
    assert [item.code for item in ward.office.ballot("readmit-gb", SITE).failing] == ["vote:administrative_owner"]
    approve(ward.house, "readmit-gb", "administrative_owner", "hal", SITE)
    deed = promote(ward.house, "readmit-gb", "readmission", SITE, "ada")
    assert deed.details["step"] == "pilot"
    assert decide(ward.house, ward.question()).outcome == "scored"


def test_a_vote_against_blocks(ward: Ward) -> None:
    """A no is a condition that failed, with its comment."""
    to_silent(ward)
    ward.vote("readmit-gb", without=("safety_officer",))
    approve(ward.house, "readmit-gb", "safety_officer", "jon", SITE, decision="reject", comment="alarm fatigue")
    [failing] = ward.office.ballot("readmit-gb", SITE).failing
    assert failing.code == "vote:safety_officer"
    assert "alarm fatigue" in failing.text


def test_new_evidence_voids_earlier_votes(ward: Ward) -> None:
    """S12: what was voted on is not what is there now."""
    to_silent(ward)
    ward.vote("readmit-gb")
    assert ward.office.ballot("readmit-gb", SITE).passed
    ward.write(lambda tx: ward.office.releases.prove(tx, ward.evidence("readmit-gb", "local-validity", value="0.75"), by="evaluation"))
    failing = ward.office.ballot("readmit-gb", SITE).failing
    assert len(failing) == 5
    assert all("S12" in item.text for item in failing)


def test_a_vote_on_evidence_not_seen_is_refused(ward: Ward) -> None:
    """The digest that was on the screen must be the digest that is there."""
    to_silent(ward)
    seen = ward.office.ballot("readmit-gb", SITE).evidence_set
    ward.write(lambda tx: ward.office.releases.prove(tx, ward.evidence("readmit-gb", "subgroup-validity", value="0.70"), by="evaluation"))
    with pytest.raises(Refused, match="not what you saw"):
        approve(ward.house, "readmit-gb", "approve", "ada", SITE, seen=seen)


def test_only_the_holder_votes(ward: Ward) -> None:
    """A forged vote is refused by the store, and a seat without a vote has none."""
    to_silent(ward)
    with pytest.raises(Refused, match="does not hold"):
        approve(ward.house, "readmit-gb", "approve", "ben", SITE)
    with pytest.raises(Refused, match="has no vote"):
        approve(ward.house, "readmit-gb", "validator", "ivy", SITE)


def test_a_vote_dies_with_its_seat(ward: Ward) -> None:
    """Whoever leaves the seat takes the vote along: the successor has to vote."""
    to_silent(ward)
    ward.vote("readmit-gb")
    ward.write(lambda tx: ward.office.seats.leave(tx, "readmit-gb", "clinical_owner", "rotation", by="founding"))
    ward.write(lambda tx: ward.office.seats.take(tx, "readmit-gb", "clinical_owner", "lou", by="founding"))
    assert [item.code for item in ward.office.ballot("readmit-gb", SITE).failing] == ["vote:clinical_owner"]
    ward.write(lambda tx: ward.office.seats.leave(tx, "readmit-gb", "clinical_owner", "back", by="founding"))
    ward.write(lambda tx: ward.office.seats.take(tx, "readmit-gb", "clinical_owner", "fay", by="founding"))
    assert [item.code for item in ward.office.ballot("readmit-gb", SITE).failing] == ["vote:clinical_owner"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"kind": "A"}, "its kind is A"),
        ({"site": "south"}, "there is none"),
        ({"site": ""}, "it does not say which site"),
        ({"population": "age >= 65"}, "another population"),
        ({"result": "insufficient_n"}, "insufficient_n"),
        ({"result": "error"}, "error"),
        ({"result": "fail"}, "fail"),
        ({"events": 49}, "insufficient_n: 49 events"),
        ({"n": 120, "events": 80}, "insufficient_n: 80 events and 40 without"),
        ({"produced_at": later(NOW, -181)}, "expired"),
        ({"produced_at": later(NOW, 1)}, "from the future"),
        ({"expires_at": later(NOW, -1)}, "expired"),
    ],
)
def test_weaker_evidence_never_counts(ward: Ward, changed: dict[str, object], words: str) -> None:
    """INV-4 and INV-5: weaker kind, other site, other population, too few, failed, too old: never satisfied."""
    to_silent(ward)
    for item in ward.office.state().evidence(ward.models["readmit-gb"].ref.digest):
        if item.requirement == "local-validity":
            ward.write(lambda tx, item=item: ward.office.releases.withdraw(tx, item.id, "test", by="x"))
    ward.write(lambda tx: ward.office.releases.prove(tx, ward.evidence("readmit-gb", "local-validity", **changed), by="evaluation"))
    [failing] = [item for item in ward.office.ballot("readmit-gb", SITE).failing if item.code.startswith("evidence:")]
    assert failing.code == "evidence:local-validity"
    assert words in failing.text


@pytest.mark.parametrize(
    "changed",
    [
        {"dataset": ""},
        {"n": 0, "events": 0},
        {"events": 500},
        {"value": "about 0.7"},
        {"requirement": "vibes"},
        {"kind": "Z"},
        {"produced_by": ""},
        {"threshold_at": "2026-02-15T00:00:00.000000Z"},
    ],
)
def test_what_was_not_measured_is_not_evidence(ward: Ward, changed: dict[str, object]) -> None:
    """A measured item names what it was measured from; a threshold is registered before the window closes (INV-6)."""
    item = replace(ward.evidence("readmit-gb", "local-validity"), **changed)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="not evidence"):
        ward.write(lambda tx: ward.office.releases.prove(tx, item, by="x"))


def test_a_newer_failure_outweighs_an_older_pass(ward: Ward) -> None:
    """The newest word about the same thing counts."""
    to_silent(ward)
    ward.write(lambda tx: ward.office.releases.prove(tx, ward.evidence("readmit-gb", "local-validity", result="fail", value="0.5"), by="e"))
    assert "evidence:local-validity" in [item.code for item in ward.office.ballot("readmit-gb", SITE).failing]


def test_a_grant_never_outlives_its_evidence(ward: Ward) -> None:
    """INV-2: expires_at is the earliest evidence expiry or the review date, and is only ever shortened."""
    to_silent(ward)
    soon = later(NOW, 9)
    ward.write(lambda tx: ward.office.releases.prove(tx, ward.evidence("readmit-gb", "subgroup-validity", expires_at=soon), by="e"))
    ward.vote("readmit-gb")
    ward.promote("readmit-gb")
    grant = ward.office.state().grants(ward.models["readmit-gb"].ref.digest)[-1]
    assert grant.expires_at == soon == min(until for _, until in grant.evidence)
    with pytest.raises(Refused, match="shortened"):
        shortened(grant, later(NOW, 10))
    ward.clock.at = later(NOW, 8)
    assert decide(ward.house, ward.question()).outcome == "scored"
    ward.clock.at = soon
    answer = decide(ward.house, ward.question())
    assert answer.withheld is not None
    assert answer.withheld.failed == ("expired",)


def test_the_review_date_ends_a_grant_too(ward: Ward) -> None:
    """Evidence of a year, a review in half a year: the review wins."""
    to_silent(ward)
    ward.vote("readmit-gb")
    ward.promote("readmit-gb")
    assert ward.office.state().grants(ward.models["readmit-gb"].ref.digest)[-1].expires_at == later(NOW, 180)


def test_withdrawn_evidence_ends_its_grants(ward: Ward) -> None:
    """Taking evidence back shortens every grant that rests on it to now."""
    to_silent(ward)
    ward.vote("readmit-gb")
    ward.promote("readmit-gb")
    item = next(one for one in ward.office.state().evidence(ward.models["readmit-gb"].ref.digest) if one.requirement == "local-validity")
    ward.write(lambda tx: ward.office.releases.withdraw(tx, item.id, "wrong cohort", by="ivy"))
    assert ward.office.state().grants(ward.models["readmit-gb"].ref.digest)[-1].expires_at == NOW
    assert decide(ward.house, ward.question()).outcome == "withheld"


def test_the_old_grant_ends_when_a_new_one_is_issued(ward: Ward) -> None:
    """One live grant for a release at a site: the shadow grant does not linger."""
    to_silent(ward)
    ward.vote("readmit-gb")
    ward.promote("readmit-gb")
    grants = ward.office.state().grants(ward.models["readmit-gb"].ref.digest)
    assert [(grant.stage, bool(grant.revoked_at)) for grant in grants] == [("silent", True), ("pilot", False)]


def test_a_gate_run_judged_again_gives_the_same(ward: Ward) -> None:
    """INV-3: the outcome is a pure function of what the event recorded."""
    to_silent(ward)
    ward.vote("readmit-gb", without=("approve",))
    said = ward.promote("readmit-gb")
    assert isinstance(said, Judgement)
    ward.clock.at = later(NOW, 400)
    state, policy = ward.office.state(), ward.office.policy
    run = state.gate_runs("readmit-gb")[-1]
    release = state.release("readmit-gb")
    step = policy.step(run["stage_from"], run["stage_to"])
    assert step is not None
    votes = [vote for vote in state.votes(release.digest) if vote.seq < run["seq"]]
    again = judge(policy, step, release, [release], SITE, state.evidence(release.digest), votes, state.seats("readmit-gb"), None, run["at"])
    assert again == said


@pytest.mark.parametrize(
    ("seat", "who", "rule"),
    [
        ("validator", "ada", "S3"),
        ("approve", "ivy", "S3"),
        ("clinical_owner", "gus", "S4"),
        ("administrative_owner", "fay", "S4"),
        ("approve", "kim", "S2"),
        ("validator", "kim", "S2"),
        ("correct", "ivy", "S7"),
    ],
)
def test_separation_of_duties_is_refused_by_the_store(ward: Ward, seat: str, who: str, rule: str) -> None:
    """Each forbidden combination, in the transaction that would make it."""
    ward.write(lambda tx: ward.office.seats.leave(tx, "readmit-gb", seat, "test", by="founding"))
    with pytest.raises(Refused) as refused:
        ward.write(lambda tx: ward.office.seats.take(tx, "readmit-gb", seat, who, by="founding"))
    assert rule in refused.value.failed
    assert seat not in ward.office.state().seats("readmit-gb")


def test_a_release_by_somebody_who_approves_is_refused(ward: Ward) -> None:
    """S2 the other way round: the approver cannot turn developer of a later version."""
    newer = replace(ward.release("readmit-gb"), version="2", digest="f" * 64, developers=("ada",))
    with pytest.raises(Refused) as refused:
        ward.write(lambda tx: ward.office.releases.register(tx, newer, by="lou"))
    assert refused.value.failed == ("S2",)


def test_requester_developer_and_producer_do_not_vote(ward: Ward) -> None:
    """S1, S2 and S3 at the ballot box, for people who came to the seat some other way."""
    to_silent(ward)
    for who, rule in (("lou", "S1"), ("kim", "S2")):
        ward.write(lambda tx: ward.office.seats.leave(tx, "readmit-gb", "safety_officer", "test", by="founding"))
        ward.write(lambda tx, who=who: ward.office.seats.take(tx, "readmit-gb", "safety_officer", who, by="founding"))
        with pytest.raises(Refused) as refused:
            approve(ward.house, "readmit-gb", "safety_officer", who, SITE)
        assert refused.value.failed == (rule,)
    measured = ward.evidence("readmit-gb", "local-validity", value="0.76", produced_by="ada")
    ward.write(lambda tx: ward.office.releases.prove(tx, measured, by="ada"))
    with pytest.raises(Refused) as refused:
        approve(ward.house, "readmit-gb", "approve", "ada", SITE)
    assert refused.value.failed == ("S3",)


def test_a_duty_has_exactly_one_holder(ward: Ward) -> None:
    """Refused by the office, and by the table itself if somebody gets past the office."""
    with pytest.raises(Refused, match="held by"):
        ward.write(lambda tx: ward.office.seats.take(tx, "readmit-gb", "answer", "lou", by="founding"))
    words = {"system": "readmit-gb", "seat": "answer", "principal": "lou", "reason": ""}
    with pytest.raises(sqlite3.IntegrityError):
        ward.write(lambda tx: ward.office.note(tx, "seat", "take", "founding", "readmit-gb", words))


def test_strangers_and_unknown_seats_are_not_found(ward: Ward) -> None:
    """Nobody sits who is not enrolled; nothing is a seat that the table does not name."""
    for seat, who in (("answer", "nobody"), ("king", "lou")):
        with pytest.raises(NotFound):
            ward.write(lambda tx, seat=seat, who=who: ward.office.seats.take(tx, "lace", seat, who, by="founding"))


def test_one_suspends_and_others_take_it_back(ward: Ward) -> None:
    """S6: one person stops it; the same person's vote does not bring it back; old grants are never revived."""
    to_silent(ward)
    ward.vote("readmit-gb")
    ward.promote("readmit-gb")
    deed = suspend(ward.house, "readmit-gb", "odd scores", "dee")
    assert deed.details["grants_revoked"] == "1"
    assert suspend(ward.house, "readmit-gb", "again", "jon").seqs == ()
    assert decide(ward.house, ward.question()).outcome == "suspended"
    with pytest.raises(Refused) as refused:
        promote(ward.house, "readmit-gb", "readmission", SITE, "ada")
    assert set(refused.value.failed) == {"vote:safety_officer", "vote:answer", "vote:clinical_owner"}
    with pytest.raises(Refused) as refused:
        approve(ward.house, "readmit-gb", "answer", "dee", SITE)
    assert refused.value.failed == ("S6",)
    ward.write(lambda tx: ward.office.seats.leave(tx, "readmit-gb", "answer", "handed over", by="founding"))
    ward.write(lambda tx: ward.office.seats.take(tx, "readmit-gb", "answer", "eli", by="founding"))
    for seat, who in (("answer", "eli"), ("safety_officer", "jon"), ("clinical_owner", "fay")):
        approve(ward.house, "readmit-gb", seat, who, SITE)
    promote(ward.house, "readmit-gb", "readmission", SITE, "ada")
    assert decide(ward.house, ward.question()).outcome == "scored"
    assert [bool(grant.revoked_at) for grant in ward.office.state().grants()] == [True, True, False]


def test_strangers_do_not_promote_and_other_uses_are_refused(ward: Ward) -> None:
    """Who promotes holds a seat of the model (or sits at the machine); a model is made for its uses only."""
    with pytest.raises(Refused, match="holds no seat"):
        promote(ward.house, "readmit-gb", "readmission", SITE, "kim")
    with pytest.raises(Usage):
        promote(ward.house, "readmit-gb", "deterioration", SITE, "ada")
    with pytest.raises(NotFound):
        promote(ward.house, "palmistry", "readmission", SITE, "ada")


def test_other_bytes_under_a_known_version_are_refused(ward: Ward) -> None:
    """A version is bound to its digest; registering the same twice is once."""
    with pytest.raises(Refused, match="other bytes"):
        ward.write(lambda tx: ward.office.releases.register(tx, ward.release("readmit-gb", digest="e" * 64), by="lou"))
    first = ward.write(lambda tx: ward.office.releases.register(tx, ward.release("readmit-gb"), by="lou"))
    assert first == ward.write(lambda tx: ward.office.releases.register(tx, ward.release("readmit-gb"), by="lou"))


def test_events_are_never_changed(ward: Ward) -> None:
    """S11: the table refuses."""
    with pytest.raises(sqlite3.IntegrityError, match="S11"):
        ward.store.write(lambda tx: tx.execute("UPDATE governance_event SET actor = 'me'"))


def test_the_tables_are_made_again_from_ledger_and_vault(ward: Ward) -> None:
    """INV-8: replay gives every table row for row, also after a suspension and a withdrawal."""
    to_silent(ward)
    ward.vote("readmit-gb")
    ward.promote("readmit-gb")
    ward.write(lambda tx: ward.office.suspend(tx, "readmit-gb", "odd", by="jon"))
    ward.write(lambda tx: ward.office.seats.dismiss(tx, "eli", "left", by="founding"))
    before = {table: ward.store.read(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in TABLES}
    assert all(before.values())
    count = ward.store.write(lambda tx: replay(tx, ward.vault, ward.ledger))
    assert count == len(before["governance_event"])
    assert {table: ward.store.read(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in TABLES} == before


def suspend_elsewhere(folder: str) -> None:
    """Another process, its own connections."""
    other = Ward(Path(folder))
    suspend(other.house, "readmit-gb", "from elsewhere", "jon")
    other.close()


def test_a_suspension_in_another_process_is_seen_within_a_second(ward: Ward, tmp_path: Path) -> None:
    """The watching gate follows; and a decision under the old snapshot could not even be recorded; it survives a restart."""
    to_silent(ward)
    ward.vote("readmit-gb")
    assert isinstance(ward.promote("readmit-gb"), Deed)
    assert decide(ward.house, ward.question()).outcome == "scored"
    other = multiprocessing.get_context("spawn").Process(target=suspend_elsewhere, args=(str(tmp_path),))
    other.start()
    other.join()
    assert other.exitcode == 0
    assert decide(ward.house, ward.question()).outcome == "suspended"
    ward.gate.watch()
    seen, started = ward.gate.seen(), time.monotonic()
    again = Ward(tmp_path)
    again.write(lambda tx: again.office.suspend(tx, "readmit-gb", "", by="jon"))
    again.write(lambda tx: again.office.seats.leave(tx, "readmit-gb", "answer", "test", by="founding"))
    assert decide(again.house, again.question()).outcome == "suspended"
    again.close()
    while ward.gate.seen() == seen and time.monotonic() - started < 5:
        time.sleep(0.01)
    assert time.monotonic() - started < 1.0


def test_a_new_version_runs_beside_the_live_one_and_then_takes_its_place(ward: Ward) -> None:
    """Version 2 in shadow leaves version 1 answering; promoted, it replaces it; each has grants of its own."""
    ward.bring_live("lace", place="fallback")
    to_silent(ward)
    ward.vote("readmit-gb")
    ward.promote("readmit-gb")
    newer = Model(ModelRef("readmit-gb", "2", digest("readmit-gb 2")), bytearray(b"second"), value=0.75)
    ward.registry.models[newer.ref.digest] = newer
    release = replace(ward.release("readmit-gb"), version="2", digest=newer.ref.digest, artefact=newer.artefact_digest)
    ward.write(lambda tx: ward.office.releases.register(tx, release, by="lou"))
    for requirement in ("local-validity", "subgroup-validity", "intended-use"):
        item = replace(ward.evidence("readmit-gb", requirement), version="2", digest=newer.ref.digest)
        ward.write(lambda tx, item=item: ward.office.releases.prove(tx, item, by="evaluation"))
    ward.vote("readmit-gb@2")
    ward.promote("readmit-gb@2")
    assert decide(ward.house, ward.question()).prediction.model.version == "1"  # type: ignore[union-attr]
    assert newer.calls == 1
    ward.vote("readmit-gb@2")
    ward.promote("readmit-gb@2")
    assert decide(ward.house, ward.question()).prediction.model.version == "2"  # type: ignore[union-attr]
    [route] = ward.office.state().routes()
    assert ([ref.name for ref in route.fallbacks], route.shadows) == (["lace"], ())
    ward.promote("readmit-gb@1")
    assert decide(ward.house, ward.question()).prediction.model.version == "1"  # type: ignore[union-attr]
