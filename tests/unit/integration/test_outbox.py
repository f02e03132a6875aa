"""The outbox and its ways out, on real sockets: nothing lost, nothing unsaid, nothing out of order."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from outgoing_ward import KEY, SYSTEM, Yard
from peers import FhirShelf, HttpPeer, MllpPeer, control_of, outcome
from trivet.contracts.outgoing import Seat
from trivet.flows.decide import decide, decide_many
from trivet.integration.formats.hl7v2.reader import Message
from trivet.integration.outbound.options import read_secrets
from trivet.integration.outbound.oru import OruSink
from trivet.integration.outbound.tables import Destination, read_routing
from trivet.integration.outbound.webhook import WebhookSink, signatures, verified
from trivet.integration.outbound.writeback import WriteBackSink
from trivet.kernel.errors import Fault, NotFound, Refused, Usage

EHR = Destination("ehr", ("*",), True)
APP = Destination("app", ("readmission",))
HL7 = {"patient_system": SYSTEM, "patient_authority": "HOSP"}


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    """Two destinations: one that asks for withheld answers, one that does not."""
    made = Yard(tmp_path, (EHR, APP))
    yield made
    made.close()


@pytest.fixture
def peers() -> Iterator[list[Any]]:
    """Peers to be closed."""
    held: list[Any] = []
    yield held
    for one in held:
        one.close()


def mllp(peers: list[Any], *plan: str, deaf: bool = False) -> MllpPeer:
    """An MLLP peer that is closed after the test."""
    peers.append(MllpPeer(plan, deaf=deaf))
    return peers[-1]


def http(peers: list[Any], answer: Any = None) -> HttpPeer:
    """An HTTP peer that is closed after the test."""
    peers.append(HttpPeer(answer))
    return peers[-1]


def lines(message: bytes, name: str) -> list[list[str]]:
    """The fields of each segment of a name."""
    return [line.split("|") for line in message.decode().split("\r") if line.startswith(name + "|")]


def test_a_decision_queues_its_messages_in_its_own_transaction(yard: Yard) -> None:
    """Each destination gets a number without gaps; a decision that is taken back takes its messages back; a shadow queues none."""
    decide_many(yard.house, [yard.question(f"p-{number}") for number in range(3)])

    def fall(tx: Any) -> None:
        yard.outbox.put(tx, yard.outbox.record(yard.outbox.message("ehr", 1)), 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        yard.store.write(fall)
    decide(yard.house, yard.question())
    assert yard.states("ehr") == [(number, "waiting", "") for number in range(1, 5)]
    assert [one.decision_id for one in yard.outbox.messages("app")] == ["D-000001", "D-000002", "D-000003", "D-000004"]
    assert len({one.key for one in yard.outbox.messages()}) == 8
    for one in yard.outbox.messages():
        assert yard.ledger.entry(one.seq)["notes"]["id"] == one.decision_id


def test_no_value_of_a_person_stands_in_the_table(yard: Yard, peers: list[Any]) -> None:
    """Rows and ledger entries name the decision, never who it is about; the bytes are in the vault, held by the person's key."""
    decide(yard.house, yard.question("p-canary"))
    peer = mllp(peers)
    yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{peer.port}", **HL7).drain(forever=False)
    rows = yard.store.read("SELECT * FROM out_message") + yard.store.read("SELECT * FROM out_attempt")
    bodies = [body for _, body in yard.ledger.bodies(0, yard.ledger.size())]
    for text in ("canary", "Brien", "1950", "Åsa"):
        assert text not in repr(rows)
        assert all(text.encode() not in body for body in bodies)
    assert yard.vault.holders(yard.outbox.message("ehr", 1).blob) == ["person:p-canary"]


def test_oru_says_what_was_decided(yard: Yard, peers: list[Any]) -> None:
    """MSH-10 is the key, OBR-3 and an OBX name the decision, delimiters are escaped, every OBX has the status, and it parses."""
    answer = decide(yard.house, yard.question())
    peer = mllp(peers)
    assert yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{peer.port}", **HL7).drain(forever=False) == 1
    [message] = peer.heard
    row = yard.outbox.message("ehr", 1)
    assert control_of(message) == row.key
    assert len(row.key) == 20
    read = Message(message)
    assert read.get("PID-3.1") == "MRN-p-1"
    assert read.get("PID-5.1") == "O|Brien"
    [order] = lines(message, "OBR")
    assert (order[3], order[22], order[25]) == ("D-000001^TRIVET", "20260301080000+0000", "F")
    values = {fields[3].split("^")[0]: fields for fields in lines(message, "OBX")}
    assert values["readmission.value"][5] == "0.25"
    assert values["decision"][5] == answer.decision_id
    assert values["AIAST"]
    assert {fields[11] for fields in values.values()} == {"F"}
    assert row.state == "delivered"
    assert yard.kinds() == [("sent", "1", "1"), ("acknowledged", "1", "AA")]
    entries = list(yard.ledger.find("acknowledged"))
    assert yard.ledger.entry(entries[0][1]["refs"][0])["kind"] == "sent"
    assert b"MSA|AA|" in yard.vault.get(entries[0][1]["notes"]["blob"])


def test_nothing_is_handed_over_before_the_ledger_says_so(yard: Yard, peers: list[Any]) -> None:
    """When the peer hears a message, its `sent` entry is committed already."""
    decide(yard.house, yard.question())
    seen: list[int] = []
    peer = http(peers, lambda *_: (seen.append(sum(1 for _ in yard.ledger.find("sent"))), (200, {}, b""))[1])
    yard.courier("app", "webhook", f"http://127.0.0.1:{peer.port}/x", key=KEY).drain(forever=False)
    assert seen == [1]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("silent", "no-answer"),
        ("close", "closed-without-answer"),
        ("halfway", "closed-without-answer"),
        ("other", "other-answer"),
        ("AR", "AR"),
        ("CE", "CE"),
        ("ZZ", "odd-answer"),
    ],
)
def test_a_failing_peer_loses_nothing(yard: Yard, peers: list[Any], how: str, reason: str) -> None:
    """Whatever the peer does, the message stays and is sent again under the same key with the same bytes, then the next one goes."""
    decide_many(yard.house, [yard.question("p-1"), yard.question("p-2")])
    peer = mllp(peers, how)
    courier = yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{peer.port}", seconds=0.3, **HL7)
    assert courier.drain(forever=False) == 0
    assert yard.states("ehr") == [(1, "waiting", reason), (2, "waiting", "")]
    assert courier.drain(forever=False) == 2
    assert peer.heard[0] == peer.heard[1]
    assert [control_of(one) for one in peer.heard[1:]] == [one.key for one in yard.outbox.messages("ehr")]
    assert [one["reason"] for one in yard.outbox.attempts("ehr", 1)] == [reason, "AA"]


def test_a_late_answer_never_confirms_the_next_message(yard: Yard, peers: list[Any]) -> None:
    """The second message is answered with the first one's id: it is not taken for delivered, the connection is closed."""
    decide_many(yard.house, [yard.question("p-1"), yard.question("p-2")])
    peer = mllp(peers, "AA", "other")
    courier = yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{peer.port}", **HL7)
    assert courier.drain(forever=False) == 1
    assert yard.states("ehr") == [(1, "delivered", "AA"), (2, "waiting", "other-answer")]
    assert courier.drain(forever=False) == 1
    assert len(peer.open) == 2


@pytest.mark.parametrize("code", ["AE", "CR"])
def test_what_is_refused_is_dead_with_its_reason_and_the_rest_goes_on(yard: Yard, peers: list[Any], code: str) -> None:
    """The refused message is kept, the answer is kept, the next one is delivered; resend sends it again; fresh makes it anew."""
    decide_many(yard.house, [yard.question("p-1"), yard.question("p-2")])
    peer = mllp(peers, code)
    courier = yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{peer.port}", **HL7)
    assert courier.drain(forever=False) == 1
    assert yard.states("ehr") == [(1, "dead", code), (2, "delivered", "AA")]
    assert f"MSA|{code}|".encode() in yard.vault.get(yard.outbox.attempts("ehr", 1)[0]["reply"])
    key = yard.outbox.message("ehr", 1).key
    assert yard.outbox.resend("ehr", 1, "jon").key == key
    with pytest.raises(Refused):
        yard.outbox.resend("ehr", 1, "jon")
    assert courier.drain(forever=False) == 1
    assert control_of(peer.heard[2]) == key
    assert yard.outbox.resend("ehr", 1, "jon", fresh=True).key != key
    assert courier.drain(forever=False) == 1
    assert [kind for kind, _, _ in yard.kinds()].count("outbox") == 2


def test_a_reject_is_tried_ten_times_and_a_silence_for_ever(yard: Yard, peers: list[Any]) -> None:
    """AR ends in the dead letters after the tries of the table; what cannot be reached waits however often it was tried."""
    decide(yard.house, yard.question())
    peer = mllp(peers, *["AR"] * 10)
    courier = yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{peer.port}", **HL7)
    for _ in range(10):
        courier.drain(forever=False)
    assert yard.states("ehr") == [(1, "dead", "AR-10-times")]
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    away = yard.courier("app", "webhook", f"http://127.0.0.1:{port}/", key=KEY)
    for _ in range(25):
        away.drain(forever=False)
    assert yard.states("app") == [(1, "waiting", "not-reachable")]
    assert yard.outbox.summary()[0]["last_failure"] == "not-reachable"


def test_one_peer_that_hangs_holds_up_nobody_else(yard: Yard, peers: list[Any]) -> None:
    """A peer that never reads keeps its own queue waiting; the other destination is served meanwhile."""
    deaf, good = mllp(peers, deaf=True), http(peers)
    couriers = [
        yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{deaf.port}", seconds=0.4, **HL7),
        yard.courier("app", "webhook", f"http://127.0.0.1:{good.port}/", key=KEY),
    ]
    threads = [threading.Thread(target=one.run) for one in couriers]
    for thread in threads:
        thread.start()
    decide_many(yard.house, [yard.question(f"p-{number}") for number in range(20)])
    until = time.monotonic() + 20
    while time.monotonic() < until and len(good.requests) < 20:
        time.sleep(0.02)
    for one in couriers:
        one.stopping.set()
    for thread in threads:
        thread.join(10)
    assert [int(headers["trivet-event-number"]) for _, _, headers, _ in good.requests] == list(range(1, 21))
    assert {state for _, state, _ in yard.states("ehr")} == {"waiting"}


def test_a_crash_between_sending_and_writing_it_down(yard: Yard, peers: list[Any]) -> None:
    """What was on its way when the process died waits again under its key, and the ledger says that it was interrupted."""
    decide(yard.house, yard.question())
    row = yard.outbox.head("ehr")
    assert row is not None
    letter = yard.store.write(lambda tx: yard.outbox.begin(tx, row, b"the bytes", "p-1", "treatment"))
    assert letter is not None
    assert yard.states("ehr") == [(1, "sending", "")]
    peer = mllp(peers)
    assert yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{peer.port}", **HL7).outbox.recover("ehr") == 1
    assert yard.outbox.body(yard.outbox.message("ehr", 1)) == b"the bytes"
    assert yard.kinds() == [("sent", "1", "1"), ("unacknowledged", "1", "interrupted")]
    again = yard.store.write(lambda tx: yard.outbox.begin(tx, yard.outbox.head("ehr"), b"other bytes", "p-1", "treatment"))
    assert (again.key, again.attempt) == (letter.key, 2)


def test_messages_of_a_suspended_model_are_held(yard: Yard, peers: list[Any]) -> None:
    """Its answers do not leave, others do, withheld ones too; nobody can resend them while it stands still."""
    decide(yard.house, yard.question("p-1"))
    yard.write(lambda tx: yard.office.suspend(tx, "readmit-gb", "looks wrong", by="jon"))
    decide(yard.house, yard.question("p-2"))
    yard.write(lambda tx: yard.office.suspend(tx, "lace", "too", by="jon"))
    decide(yard.house, yard.question("p-3"))
    peer = mllp(peers)
    courier = yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{peer.port}", **HL7)
    assert courier.drain(forever=False) == 1
    assert yard.states("ehr") == [(1, "held", "suspended"), (2, "held", "suspended"), (3, "delivered", "AA")]
    [order] = lines(peer.heard[0], "OBR")
    assert order[25] == "X"
    assert any("Instead: " in fields[3] for fields in lines(peer.heard[0], "NTE"))
    with pytest.raises(Refused):
        yard.outbox.resend("ehr", 1, "jon")
    assert [one.decision_id for one in yard.outbox.messages("app")] == ["D-000001", "D-000002"]


def test_a_late_status_never_follows_its_correction(yard: Yard, peers: list[Any]) -> None:
    """A correction bears the chain's order number and the status C; the first status, sent again later, is superseded instead."""
    decide(yard.house, yard.question())
    decide(yard.house, yard.question(caused_by="D-000001"))
    peer = mllp(peers, "AE")
    courier = yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{peer.port}", **HL7)
    courier.drain(forever=False)
    assert yard.states("ehr") == [(1, "dead", "AE"), (2, "delivered", "AA")]
    [order] = lines(peer.heard[1], "OBR")
    assert (order[3], order[25]) == ("D-000001^TRIVET", "C")
    assert order[22] >= lines(peer.heard[0], "OBR")[0][22]
    yard.outbox.resend("ehr", 1, "jon")
    courier.drain(forever=False)
    assert yard.states("ehr")[0] == (1, "superseded", "late-status")
    assert len(peer.heard) == 2


def test_who_cannot_be_named_is_dead_before_it_is_sent(yard: Yard, peers: list[Any]) -> None:
    """No identifier of the destination's system: nothing is guessed, the message says why, the ledger too."""
    decide(yard.house, yard.question())
    peer = mllp(peers)
    yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{peer.port}", patient_system="urn:other").drain(forever=False)
    assert yard.states("ehr") == [(1, "dead", "E856")]
    assert yard.kinds() == [("unacknowledged", "1", "E856")]
    assert peer.heard == []


def test_an_erased_person_is_not_sent(yard: Yard, peers: list[Any]) -> None:
    """What waits for somebody whose key was destroyed can no longer be read by anybody, and is dead."""
    decide(yard.house, yard.question("p-9"))
    yard.store.write(lambda tx: yard.vault.destroy(tx, "person:p-9"))
    peer = mllp(peers)
    yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{peer.port}", **HL7).drain(forever=False)
    assert yard.states("ehr") == [(1, "dead", "erased")]


def test_retention_never_deletes_what_is_unsent(yard: Yard, peers: list[Any]) -> None:
    """Pruning forgets delivered rows and nothing else, numbers are never used twice, and the table itself refuses a deletion."""
    decide_many(yard.house, [yard.question("p-1"), yard.question("p-2")])
    peer = mllp(peers, "AE")
    yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{peer.port}", **HL7).drain(forever=False)
    assert yard.outbox.prune("2027-01-01T00:00:00.000000Z") == 1
    assert yard.states("ehr") == [(1, "dead", "AE")]
    with pytest.raises(Exception, match="never deleted"):
        yard.store.write(lambda tx: tx.execute("DELETE FROM out_message"))
    decide(yard.house, yard.question("p-3"))
    assert yard.states("ehr")[-1][0] == 3


def test_the_routing_table_decides(tmp_path: Path) -> None:
    """A site's row comes before the shipped ones; a row that cannot be read is named with its line."""
    routing = read_routing("destination,use,event,send,status,text\nehr,readmission,issued,no,,Not yet.\n")
    assert routing.status(EHR, "readmission", "issued") == ""
    assert routing.status(EHR, "deterioration", "issued") == "F"
    assert routing.status(APP, "deterioration", "issued") == ""
    assert (routing.status(EHR, "readmission", "withheld"), routing.status(APP, "readmission", "withheld")) == ("X", "")
    with pytest.raises(Usage, match="routing table") as wrong:
        read_routing("destination,use,event,send,status,text\nehr,readmission,issued,perhaps,F,\n")
    assert wrong.value.where == "site/outbound/routing.csv:2"


def test_write_back_makes_each_resource_once(yard: Yard, peers: list[Any]) -> None:
    """RiskAssessment, Device and Provenance refer to each other by the server's ids, labelled; a repeat finds them and makes nothing."""
    decide(yard.house, yard.question())
    shelf = FhirShelf()
    peer = http(peers, shelf)
    courier = yard.courier("app", "fhir", f"http://127.0.0.1:{peer.port}/fhir", key="s3cret", patient_system=SYSTEM)
    assert courier.drain(forever=False) == 1
    [risk], [made_by], [said] = shelf.held["RiskAssessment"], shelf.held["Device"], shelf.held["Provenance"]
    assert risk["identifier"] == [{"system": "urn:trivet:decision:north", "value": "D-000001"}]
    assert risk["meta"]["security"][0]["code"] == "AIAST"
    assert risk["subject"]["identifier"]["value"] == "MRN-p-1"
    assert risk["performer"]["reference"] == "Device/device-1"
    assert made_by["type"]["coding"][0]["code"] == "Artificial-Intelligence"
    assert said["target"] == [{"reference": "RiskAssessment/riskassessment-1"}]
    assert said["agent"][0]["who"]["reference"] == "Device/device-1"
    assert peer.requests[0][2]["authorization"] == "Bearer s3cret"
    yard.outbox.resend("app", 1, "jon")
    assert courier.drain(forever=False) == 1
    assert {kind: len(held) for kind, held in shelf.held.items()} == {"Device": 1, "RiskAssessment": 1, "Provenance": 1}


@pytest.mark.parametrize("knows", [True, False])
def test_write_back_broken_off_in_the_middle_makes_nothing_twice(yard: Yard, peers: list[Any], knows: bool) -> None:
    """The server fails after the first resource, and again after it kept the second; whether it knows If-None-Exist or not."""
    decide(yard.house, yard.question())
    shelf, count = FhirShelf(knows=knows), [0]

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        if method == "POST" and "RiskAssessment" in path:
            count[0] += 1
            if count[0] == 1:
                return 503, {"retry-after": "0"}, outcome("down")
            if count[0] == 2:
                shelf(method, path, headers, body)
                return 500, {}, outcome("kept, and fell over")
        return shelf(method, path, headers, body)

    peer = http(peers, answer)
    courier = yard.courier("app", "fhir", f"http://127.0.0.1:{peer.port}", patient_system=SYSTEM)
    assert [courier.drain(forever=False) for _ in range(3)] == [0, 0, 1]
    assert [one["reason"] for one in yard.outbox.attempts("app", 1)][:2] == ["http-503", "http-500"]
    assert {kind: len(held) for kind, held in shelf.held.items()} == {"Device": 1, "RiskAssessment": 1, "Provenance": 1}


@pytest.mark.parametrize(
    ("status", "state"),
    [(400, "dead"), (412, "dead"), (422, "dead"), (401, "waiting"), (409, "waiting"), (429, "waiting"), (503, "waiting")],
)
def test_what_a_status_means(yard: Yard, peers: list[Any], status: int, state: str) -> None:
    """Each status by its row; the OperationOutcome that came with it is kept, sealed."""
    decide(yard.house, yard.question())
    peer = http(peers)
    peer.plan.append((status, {}, outcome("because")))
    yard.courier("app", "fhir", f"http://127.0.0.1:{peer.port}", patient_system=SYSTEM).drain(forever=False)
    assert yard.states("app") == [(1, state, f"http-{status}")]
    kept = yard.vault.get(yard.outbox.attempts("app", 1)[0]["reply"])
    assert json.loads(kept)["issue"][0]["diagnostics"] == "because"


def test_an_observation_with_the_subject_looked_up(yard: Yard, peers: list[Any]) -> None:
    """`resource = Observation`, `subject = search`: the server's own patient is referred to; one who is not there yet is waited for."""
    decide(yard.house, yard.question())
    shelf = FhirShelf()
    peer = http(peers, shelf)
    options = {"patient_system": SYSTEM, "resource": "Observation", "subject": "search"}
    courier = yard.courier("app", "fhir", f"http://127.0.0.1:{peer.port}", **options)
    assert courier.drain(forever=False) == 0
    assert yard.states("app") == [(1, "waiting", "no-such-patient-there")]
    shelf.held["Patient"] = [{"resourceType": "Patient", "id": "77", "identifier": [{"system": SYSTEM, "value": "MRN-p-1"}]}]
    assert courier.drain(forever=False) == 1
    [made] = shelf.held["Observation"]
    assert made["subject"] == {"reference": "Patient/77"}
    assert made["valueQuantity"] == {"value": 0.25, "system": "http://unitsofmeasure.org", "code": "{score}"}


def test_a_webhook_is_signed_and_says_nothing_of_the_person(yard: Yard, peers: list[Any]) -> None:
    """The signature is Standard Webhooks' over id, time and body; both keys sign while one is rotated; the body names the decision only."""
    decide(yard.house, yard.question("p-1"))
    peer = http(peers)
    other = "whsec_" + base64.b64encode(b"9" * 32).decode()
    yard.courier("app", "webhook", f"http://127.0.0.1:{peer.port}/hook", key=f"{other},{KEY}").drain(forever=False)
    [(_, path, headers, body)] = peer.requests
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    by_hand = base64.b64encode(hmac.digest(base64.b64decode(KEY[6:]), text, hashlib.sha256)).decode()
    assert headers["webhook-signature"].split()[1] == f"v1,{by_hand}"
    assert path == "/hook"
    said = json.loads(body)
    assert (said["type"], said["data"]["decision"], said["data"]["event"]) == ("decision.issued", "D-000001", 1)
    assert b"p-1" not in body
    assert b"MRN" not in body
    now = float(headers["webhook-timestamp"])
    good = (headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"])
    assert verified([KEY], *good, body, now)
    assert not verified([KEY], *good, body + b" ", now)
    assert not verified([KEY], *good, body, now + 301)
    assert not verified(["whsec_" + base64.b64encode(b"7" * 32).decode()], *good, body, now)


def test_a_webhook_with_the_whole_resource(yard: Yard, peers: list[Any]) -> None:
    """By setting, and only then, the resource goes along."""
    decide(yard.house, yard.question())
    peer = http(peers)
    options = {"payload": "full-resource", "patient_system": SYSTEM}
    yard.courier("app", "webhook", f"http://127.0.0.1:{peer.port}/", key=KEY, **options).drain(forever=False)
    resource = json.loads(peer.requests[0][3])["data"]["resource"]
    assert resource["resourceType"] == "RiskAssessment"
    assert resource["subject"]["identifier"]["value"] == "MRN-p-1"


@pytest.mark.long
def test_a_peer_that_trickles_its_answer_is_cut_off(yard: Yard, peers: list[Any]) -> None:
    """One deadline holds for the whole exchange, not for each byte of it."""
    decide(yard.house, yard.question())
    listener = socket.create_server(("127.0.0.1", 0))

    def trickle() -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            while True:
                connection.sendall(b"x")
                time.sleep(0.05)
        except OSError:
            connection.close()

    threading.Thread(target=trickle, daemon=True).start()
    port = listener.getsockname()[1]
    yard.courier("app", "webhook", f"http://127.0.0.1:{port}/", key=KEY, seconds=0.3).drain(forever=False)
    listener.close()
    assert yard.states("app") == [(1, "waiting", "no-answer")]


@pytest.mark.parametrize(
    ("sink", "url", "options"),
    [
        (OruSink, "http://x", HL7),
        (OruSink, "mllp://127.0.0.1:1", {}),
        (OruSink, "mllp://127.0.0.1:1", {**HL7, "colour": "red"}),
        (OruSink, "mllp://127.0.0.1:1", {**HL7, "demographics": "yes"}),
        (WriteBackSink, "ftp://x/", {"patient_system": SYSTEM}),
        (WriteBackSink, "https://me:secret@x/", {"patient_system": SYSTEM}),
        (WriteBackSink, "http://x/", {"patient_system": SYSTEM, "resource": "Patient"}),
        (WebhookSink, "http://x/", {}),
        (WebhookSink, "http://x/", {"payload": "everything"}),
    ],
)
def test_settings_are_read_strictly(sink: Any, url: str, options: dict[str, Any]) -> None:
    """An address of another kind, a missing or unknown option, a value of another kind: said when the sink is made."""
    with pytest.raises(Usage):
        sink(Seat("x", url, "north", 1.0, options))


def test_a_sink_that_breaks_loses_nothing(yard: Yard, peers: list[Any]) -> None:
    """A sink raises what nobody foresaw: it is said by its class only, the message waits, and goes out when the sink works again."""
    decide(yard.house, yard.question())
    peer = mllp(peers)
    courier = yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{peer.port}", **HL7)
    good, count = courier.open_sink, [0]

    class Breaks(OruSink):
        def send(self, letter: Any) -> Any:
            raise ZeroDivisionError("MRN-p-1")

    def open_sink() -> Any:
        count[0] += 1
        return Breaks(Seat("ehr", f"mllp://127.0.0.1:{peer.port}", "north", 1.0, HL7)) if count[0] == 1 else good()

    courier.open_sink = open_sink
    thread = threading.Thread(target=courier.run)
    thread.start()
    until = time.monotonic() + 20
    while time.monotonic() < until and not peer.heard:
        time.sleep(0.02)
    courier.stopping.set()
    thread.join(10)
    assert yard.states("ehr") == [(1, "delivered", "AA")]
    assert [one["reason"] for one in yard.outbox.attempts("ehr", 1)] == ["interrupted", "AA"]
    assert yard.said == ["outbox ehr: ZeroDivisionError"]


def test_secrets_are_kept_tight(tmp_path: Path) -> None:
    """A file that others may read is refused, so is an empty one and one that is not there; no error shows what is in it."""
    path = tmp_path / "a.secret"
    with pytest.raises(NotFound):
        read_secrets(path)
    path.write_text("# old\n\nTOP\nNEXT\n")
    path.chmod(0o644)
    with pytest.raises(Fault) as refused:
        read_secrets(path)
    assert "TOP" not in repr(refused.value.as_dict())
    path.chmod(0o600)
    assert read_secrets(path) == ("TOP", "NEXT")
    path.write_text("\n")
    with pytest.raises(Fault):
        read_secrets(path)
    with pytest.raises(Fault) as weak:
        signatures(["whsec_c2hvcnQ="], "x", 1, b"")
    assert "c2hvcnQ" not in repr(weak.value.as_dict())
