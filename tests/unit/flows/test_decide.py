"""The decide flow on a real store, vault, ledger, office and gate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from office_house import SITE, Model, Ward
from trivet.contracts.decision import DecisionRecord
from trivet.contracts.prediction import ModelRef
from trivet.flows.decide import decide, decide_many
from trivet.governance.decisions import TABLES, replay_decisions
from trivet.kernel.errors import NotFound, Refused
from trivet.kernel.jsontext import dumps


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """readmit-gb is live, lace stands behind it."""
    ward = Ward(tmp_path)
    ward.people()
    ward.bring_live("readmit-gb")
    ward.bring_live("lace", place="fallback")
    yield ward
    ward.close()


def test_a_granted_model_answers_and_its_record_is_durable(ward: Ward) -> None:
    """The answer names a decision whose entry, blob and row say everything it rested on."""
    answer = decide(ward.house, ward.question())
    assert (answer.outcome, answer.mode, answer.decision_id) == ("scored", "active", "D-000001")
    entry = ward.ledger.entry(answer.seq)
    assert entry["kind"] == "decision"
    assert entry["notes"]["id"] == "D-000001"
    record = DecisionRecord.from_json(ward.vault.get(entry["notes"]["blob"]))
    assert record.prediction == answer.prediction
    assert record.attempts[0].permit is not None
    assert record.attempts[0].permit.seats["answer"] == "dee"
    assert entry["commitments"]["record"] == ward.vault.commit(entry["notes"]["blob"])
    assert ward.ledger.entry(entry["refs"][0])["kind"] == "grant"
    assert ward.ledger.entry(entry["refs"][1])["kind"] == "route"
    assert ward.store.read("SELECT decision_id, outcome, mode FROM decision") == [("D-000001", "scored", "active")]


def test_the_ledger_holds_no_name_of_the_person(ward: Ward) -> None:
    """No entry of a decision names who it is about, not even by the house's own id."""
    answer = decide(ward.house, ward.question("p-canary"))
    assert b"p-canary" not in ward.ledger.body(answer.seq)


def test_the_fallback_answers_for_a_suspended_model(ward: Ward) -> None:
    """Suspended: not called; the fallback answers; a denial is recorded beside the decision."""
    ward.write(lambda tx: ward.office.suspend(tx, "readmit-gb", "looks wrong", by="jon"))
    answer = decide(ward.house, ward.question())
    assert (answer.outcome, answer.mode) == ("fallback", "fallback")
    assert ward.models["readmit-gb"].calls == 0
    [(failed, by)] = ward.store.read("SELECT failed, answered_by FROM denial")
    assert (failed, by) == ('["suspended","no-grant"]', "lace")
    assert [entry["notes"]["model"] for _, entry in ward.ledger.find("denial")] == ["readmit-gb"]


def test_nobody_left_is_withheld_and_says_what_to_do(ward: Ward) -> None:
    """With both suspended the outcome is `suspended`, with the use's own words for what to do instead."""
    for name in ("readmit-gb", "lace"):
        ward.write(lambda tx, name=name: ward.office.suspend(tx, name, "", by="jon"))
    answer = decide(ward.house, ward.question())
    assert answer.outcome == "suspended"
    assert answer.prediction is None
    assert answer.withheld is not None
    assert "LACE form" in answer.withheld.instead
    assert ward.ledger.entry(answer.seq)["notes"]["outcome"] == "suspended"


def test_bytes_that_do_not_load_are_a_denial(ward: Ward) -> None:
    """The registry refuses changed bytes before the gate is even asked: the fallback answers, the denial says `artefact`."""
    real = ward.registry.runtime

    def strict(ref: ModelRef) -> Model:
        if ref.name == "readmit-gb":
            raise Refused("E403", "not what was released", failed=("artefact",), help="trivet suspend readmit-gb")
        return real(ref)

    ward.registry.runtime = strict  # type: ignore[method-assign]
    answer = decide(ward.house, ward.question())
    assert answer.mode == "fallback"
    assert ward.store.read("SELECT model, came_of, failed FROM denial") == [("readmit-gb", "refused", '["artefact"]')]


def test_a_crash_is_the_fallback_and_then_withheld(ward: Ward) -> None:
    """A model that raises is recorded as failed; the chain goes on; at its end stands Withheld, never an empty answer."""
    ward.models["readmit-gb"].crash = True
    assert decide(ward.house, ward.question()).outcome == "fallback"
    ward.models["lace"].crash = True
    answer = decide(ward.house, ward.question())
    assert (answer.outcome, answer.withheld.reason if answer.withheld else "") == ("withheld", "ZeroDivisionError")


def test_what_cannot_be_scored_is_abstained(ward: Ward) -> None:
    """Missing inputs are neither a crash nor a score."""
    for model in ward.models.values():
        model.cannot = True
    assert decide(ward.house, ward.question()).outcome == "abstained"


def test_broken_features_are_withheld_and_nobody_is_called(ward: Ward) -> None:
    """No row, no model; the record says which error stood in the way."""
    ward.features.broken = True
    answer = decide(ward.house, ward.question())
    assert (answer.outcome, answer.withheld.failed if answer.withheld else ()) == ("withheld", ("RuntimeError",))
    assert answer.seq >= 0
    assert sum(model.calls for model in ward.models.values()) == 0


def test_an_unknown_person_or_use_is_not_found(ward: Ward) -> None:
    """A name nobody knows is no decision."""
    with pytest.raises(NotFound):
        decide(ward.house, ward.question("p-nobody"))
    with pytest.raises(NotFound):
        decide(ward.house, ward.question(use="palmistry"))


def test_an_unwritable_ledger_releases_nothing_but_withheld(ward: Ward) -> None:
    """Damage the ledger's head: no model is called, nothing is recorded, and the answer says that."""
    before = ward.ledger.size()
    ward.store.write(lambda tx: tx.execute("DROP TABLE ledger_edge"))
    answer = decide(ward.house, ward.question())
    assert (answer.outcome, answer.seq, answer.decision_id, answer.prediction) == ("withheld", -1, "", None)
    assert answer.withheld is not None
    assert answer.withheld.failed == ("ledger-unwritable",)
    assert sum(model.calls for model in ward.models.values()) == 0
    assert ward.ledger.size() == before


def test_a_store_that_fails_at_the_commit_releases_nothing(ward: Ward) -> None:
    """The model was called, the record could not be kept: then its answer does not leave either."""
    ward.store.write(lambda tx: tx.execute("DROP TABLE ledger_kind"))
    answer = decide(ward.house, ward.question())
    assert (answer.outcome, answer.prediction, answer.seq) == ("withheld", None, -1)
    assert ward.store.read("SELECT count(*) FROM decision") == [(0,)]


def test_a_suspension_between_gate_and_record_is_seen(ward: Ward) -> None:
    """Governance moves after the gate said yes and before the record is durable: nothing of the old yes is released."""
    original = ward.models["readmit-gb"].predict

    def slow(row):  # type: ignore[no-untyped-def]
        ward.store.write(lambda tx: ward.office.suspend(tx, "readmit-gb", "now", by="jon"))
        return original(row)

    ward.models["readmit-gb"].predict = slow  # type: ignore[method-assign]
    answer = decide(ward.house, ward.question())
    assert answer.mode == "fallback"
    assert [row[0] for row in ward.store.read("SELECT model FROM decision WHERE mode = 'active'")] == []


def test_shadow_models_run_on_the_same_row_after_the_answer(ward: Ward) -> None:
    """A shadow is recorded with mode `shadow`, never released, and only after the primary's record is durable."""
    ward.seat("silent-one")
    ward.write(lambda tx: ward.office.releases.register(tx, ward.release("silent-one"), by="lou"))
    ward.write(lambda tx: ward.office.releases.prove(tx, ward.evidence("silent-one", "intended-use", kind="A"), by="x"))
    ward.vote("silent-one")
    ward.promote("silent-one")
    pending: list = []
    answer = decide(ward.house, ward.question(), pending.append)
    assert answer.mode == "active"
    assert ward.models["silent-one"].calls == 0
    for work in pending:
        work()
    assert ward.models["silent-one"].calls == 1
    rows = ward.store.read("SELECT model, mode, outcome FROM decision ORDER BY seq")
    assert rows == [("readmit-gb", "active", "scored"), ("silent-one", "shadow", "scored")]


def test_a_cohort_shares_commits_and_keeps_its_order(ward: Ward) -> None:
    """decide_many gives one answer for each question, in order, with ids that never repeat."""
    answers = decide_many(ward.house, [ward.question(f"p-{number}") for number in range(50)])
    assert [answer.person for answer in answers] == [f"p-{number}" for number in range(50)]
    assert len({answer.decision_id for answer in answers}) == 50
    assert all(answer.outcome == "scored" for answer in answers)


def test_swapping_the_live_model_is_one_act_on_governance_only(ward: Ward) -> None:
    """promote lays a new route; the next answer comes from the other model; nothing else was touched."""
    deed = ward.promote("lace")
    assert deed.details["step"] == "route"
    answer = decide(ward.house, ward.question())
    assert (answer.mode, answer.prediction.model.name if answer.prediction else "") == ("active", "lace")
    ward.promote("readmit-gb")
    assert decide(ward.house, ward.question()).prediction.model.name == "readmit-gb"  # type: ignore[union-attr]
    ward.write(lambda tx: ward.office.suspend(tx, "readmit-gb", "", by="jon"))
    assert decide(ward.house, ward.question()).mode == "fallback"


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"site": "south"}, "site"), ({"role": "visitor"}, "role"), ({"purpose": "marketing"}, "purpose")],
)
def test_other_site_role_or_purpose_is_refused(ward: Ward, changed: dict[str, str], code: str) -> None:
    """A grant speaks of its site, roles and purposes and of nothing else."""
    answer = decide(ward.house, ward.question(**changed))
    assert answer.withheld is not None
    assert code in answer.withheld.failed
    assert sum(model.calls for model in ward.models.values()) == 0
    assert SITE == "north"


def test_the_tables_of_decisions_are_made_again(ward: Ward) -> None:
    """Decisions and denials, row for row, from ledger and vault; an erased person leaves what the ledger says."""
    ward.write(lambda tx: ward.office.suspend(tx, "readmit-gb", "", by="jon"))
    decide_many(ward.house, [ward.question(f"p-{number}") for number in range(5)])
    before = {table: ward.store.read(f"SELECT * FROM {table} ORDER BY {order}") for table, order in TABLES.items()}
    assert [len(rows) for rows in before.values()] == [5, 5]
    assert ward.store.write(lambda tx: replay_decisions(tx, ward.vault, ward.ledger)) == 5
    assert {table: ward.store.read(f"SELECT * FROM {table} ORDER BY {order}") for table, order in TABLES.items()} == before
    ward.store.write(lambda tx: ward.vault.destroy(tx, "person:p-3"))
    ward.store.write(lambda tx: replay_decisions(tx, ward.vault, ward.ledger))
    rows = ward.store.read("SELECT person, model, outcome FROM decision ORDER BY seq")
    assert rows[3] == ("", "lace", "fallback")
    assert rows[2][0] == "p-2"


def test_a_use_that_nobody_is_routed_for_is_withheld_and_denied(ward: Ward) -> None:
    """No route at all: recorded as a decision and as a denial, of no model."""
    answer = decide(ward.house, ward.question(use="deterioration"))
    assert answer.withheld is not None
    assert answer.withheld.failed == ("no-route",)
    assert ward.store.read("SELECT decision_id, model, failed FROM denial") == [(answer.decision_id, "", '["no-route"]')]
    assert ward.store.write(lambda tx: replay_decisions(tx, ward.vault, ward.ledger)) == 1
    assert ward.store.read("SELECT decision_id, model, failed FROM denial") == [(answer.decision_id, "", '["no-route"]')]


def test_who_refuses_the_purpose_is_not_decided_about(ward: Ward) -> None:
    """A person whose consent refuses treatment gets Withheld with that reason; no feature is read, no model called; others are answered."""
    subject = "Patient/x1"
    consent = {"resourceType": "Consent", "id": "c", "status": "active", "patient": {"reference": subject}, "provision": {"type": "deny"}}
    body = dumps(consent).decode()
    version = "INSERT INTO record_version (key, type, id, version, subject, known_seq, receipt, source, deleted, digest, body)"
    ward.write(lambda tx: tx.execute(f"{version} VALUES ('Consent/c', 'Consent', 'c', 1, ?, 0, 0, 'ehr', 0, x'00', ?)", (subject, body)))
    link = "INSERT INTO link (subject, person, event, known_seq) VALUES (?, 'p-refusing', 1, 0)"
    ward.write(lambda tx: tx.execute(link, (subject,)))
    refusing, other = decide_many(ward.house, [ward.question("p-refusing"), ward.question("p-other")])
    assert refusing.outcome == "withheld"
    assert refusing.withheld is not None
    assert refusing.withheld.reason == "consent"
    assert other.outcome == "scored"
    assert ward.models["readmit-gb"].calls == 1
    record = DecisionRecord.from_json(ward.vault.get(ward.ledger.entry(refusing.seq)["notes"]["blob"]))
    assert record.features is None
