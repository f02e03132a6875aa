"""Destinations of a real home: settings, the command line, `trivet up`, and sinks that come in by entry point."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.walk.test_decide_walk import bundle, item

from outgoing_ward import KEY
from peers import FhirShelf, HttpPeer, MllpPeer
from trivet.cli.main import main
from trivet.flows.found import found
from trivet.flows.receive import Delivery, receive
from trivet.kernel.errors import Locked, NotFound, Usage
from trivet.kernel.resources import text
from trivet.models.registry import adopt
from trivet.wiring.build import init_home, open_home
from trivet.wiring.outgoing import alone
from trivet.wiring.settings import Source, add_source, read_settings
from trivet.wiring.sinks import open_sink
from trivet.wiring.subscribing import stopped

NOW = "2026-03-01T08:00:00.000000Z"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one patient whose signs are complete, and NEWS2 live."""
    made = tmp_path / "home"
    init_home(made, synthetic=True, today=NOW).close()
    add_source(made, "ehr", Source(format="fhir"))
    adopt("news2", "1.0.0", made / "models")
    sent = json.loads(bundle())
    mind = {"resourceType": "Observation", "id": "mind", "status": "final", "subject": {"reference": "Patient/x1"}, "valueString": "Alert"}
    mind |= {"code": {"coding": [{"system": "http://loinc.org", "code": "67775-7"}]}, "effectiveDateTime": "2026-03-01T07:40:00Z"}
    sent["entry"].append({"resource": mind})
    house = open_home(made)
    receive(house, [Delivery(json.dumps(sent).encode(), "ehr", "fhir", "one.json")])
    release = house.registry.manifest("news2", "1.0.0").release("k.datta")
    staff = tomllib.loads(text("trivet.maps", "governance", "staff-sample.toml"))
    staff = {"people": staff["people"], "seats": {"news2": staff["seats"]["news2"]}, "models": {"news2": staff["models"]["news2"]}}
    found(house, staff, [release], [item(release, one) for one in ("intended-use", "local-validity", "subgroup-validity")])
    house.close()
    return made


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    """Exit code and the one JSON object."""
    with pytest.raises(SystemExit) as done:
        main([*words, "--json"])
    return int(done.value.code or 0), json.loads(capsys.readouterr().out)


def add(home: Path, name: str, kind: str, url: str, **more: str) -> None:
    """One more destination at the end of the settings."""
    lines = [
        f"\n[destinations.{name}]",
        f'kind = "{kind}"',
        f'url = "{url}"',
        'uses = ["*"]',
        *(f"{key} = {value}" for key, value in more.items()),
    ]
    with (home / "trivet.toml").open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def person_of(home: Path) -> str:
    """The one person."""
    house = open_home(home)
    one = str(house.shelf.query("select distinct person from records where person is not null")[1][0][0])
    house.close()
    return one


def test_from_a_decision_to_three_peers(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """HL7 v2, FHIR and a webhook named in `trivet.toml`: one decision reaches all three; list, show, resend and query tell of it."""
    mllp, fhir, hook = MllpPeer(), HttpPeer(FhirShelf()), HttpPeer()
    secret = home / "keys" / "app.secret"
    secret.write_text(KEY + "\n")
    secret.chmod(0o600)
    add(home, "lis", "hl7v2", f"mllp://127.0.0.1:{mllp.port}", options='{ patient_system = "urn:mrn" }')
    add(home, "ehr", "fhir", f"http://127.0.0.1:{fhir.port}/fhir", options='{ patient_system = "urn:mrn" }')
    add(home, "app", "webhook", f"http://127.0.0.1:{hook.port}/", secret='"keys/app.secret"')
    at = ("--home", str(home))
    assert told(capsys, "decide", "--use", "deterioration", "--person", person_of(home), *at)[0] == 0
    code, answer = told(capsys, "outbox", "send", *at)
    assert (code, [row["delivered"] for row in answer["destinations"]]) == (0, [1, 1, 1])
    assert b"|77^^^" in mllp.heard[0]
    assert b"NEWS2" in mllp.heard[0].upper()
    assert [request[0] for request in fhir.requests] == ["POST", "POST", "POST"]
    assert json.loads(hook.requests[0][3])["data"]["decision"] == "D-000001"
    code, listed = told(capsys, "outbox", "list", *at)
    assert {row["destination"]: row["delivered"] for row in listed["destinations"]} == {"app": 1, "ehr": 1, "lis": 1}
    code, shown = told(capsys, "outbox", "show", "lis", "1", *at)
    assert (shown["state"], shown["tries"][0]["reason"]) == ("delivered", "AA")
    code, shown = told(capsys, "outbox", "show", "lis", "1", "--body", "--reason", "audit", *at)
    assert "OBR|1" in shown["body"]
    assert told(capsys, "outbox", "show", "lis", "1", "--body", *at)[0] == 2
    assert told(capsys, "outbox", "resend", "lis", "1", *at)[1]["state"] == "waiting"
    mllp.plan.append("AR")
    assert told(capsys, "outbox", "send", "lis", *at)[0] == 7
    assert told(capsys, "outbox", "list", "--state", "waiting", *at)[1]["messages"][0]["reason"] == "AR"
    assert told(capsys, "query", "select count(*) as n from outbox where state = 'delivered'", *at)[1]["rows"] == [{"n": 2}]
    assert told(capsys, "outbox", "prune", "--before", "2027-01-01T00:00:00Z", *at)[1]["pruned"] == 2
    assert told(capsys, "outbox", "show", "nobody", "1", *at)[0] == 5
    assert told(capsys, "fsck", *at)[0] == 0
    house = open_home(home)
    kinds = [house.ledger.entry(seq)["kind"] for seq in range(house.ledger.size())]
    house.close()
    assert kinds.count("access") >= 1
    assert (kinds.count("sent"), kinds.count("acknowledged"), kinds.count("unacknowledged")) == (4, 3, 1)
    for peer in (mllp, fhir, hook):
        peer.close()


def test_up_delivers_while_it_runs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`trivet up` hands over what another process decided; a second process may not deliver there meanwhile; SIGTERM ends it."""
    hook = HttpPeer()
    secret = home / "keys" / "app.secret"
    secret.write_text(KEY + "\n")
    secret.chmod(0o600)
    add(home, "app", "webhook", f"http://127.0.0.1:{hook.port}/", secret='"keys/app.secret"')
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "trivet.cli.main", "up", "--home", str(home), "--http", f"127.0.0.1:{port}", "--no-console"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as up:
        assert up.stderr is not None
        assert up.stderr.readline().startswith("http")
        assert told(capsys, "decide", "--use", "deterioration", "--person", person_of(home), "--home", str(home))[0] == 0
        until = time.monotonic() + 20
        while not hook.requests and time.monotonic() < until:
            time.sleep(0.02)
        assert told(capsys, "outbox", "send", "--home", str(home))[1]["error"]["code"] == "E863"
        up.send_signal(signal.SIGTERM)
        assert up.wait(30) == 0
    assert len(hook.requests) == 1
    assert told(capsys, "outbox", "list", "--home", str(home))[1]["destinations"][0]["delivered"] == 1
    hook.close()


def test_two_may_not_deliver_to_one(home: Path) -> None:
    """The second is told so at once, and may when the first has let go."""
    house = open_home(home)
    with alone(house, "x"), pytest.raises(Locked), alone(house, "x"):
        pass
    with alone(house, "x"):
        pass
    house.close()


def test_only_what_is_named_is_loaded(home: Path) -> None:
    """A kind that nobody offers is not found, with the known ones; so is a destination that the settings do not name."""
    add(home, "x", "carrier-pigeon", "http://127.0.0.1:1/")
    house = open_home(home)
    with pytest.raises(NotFound, match="carrier-pigeon") as unknown:
        open_sink(house, "x")
    assert "webhook" in unknown.value.why
    with pytest.raises(NotFound):
        open_sink(house, "y")
    house.close()


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ('[destinations.x]\nkind = "fhir"\nurl = "http://x/"\n', "uses"),
        ('[destinations.x]\nkind = "fhir"\nuses = ["*"]\n', "url"),
        ('[destinations.x]\nkind = "fhir"\nurl = "http://x/"\nuses = ["*"]\ncolour = "red"\n', "colour"),
        ('[destinations.x]\nkind = "fhir"\nurl = "http://x/"\nuses = "*"\n', "uses"),
        ('[destinations."a b"]\nkind = "fhir"\nurl = "http://x/"\nuses = ["*"]\n', "a b"),
    ],
)
def test_destinations_are_read_strictly(tmp_path: Path, said: str, word: str) -> None:
    """A destination says what it is, where it stands, what may go there; anything else is an error that names the key."""
    (tmp_path / "trivet.toml").write_text(said)
    with pytest.raises(Usage) as wrong:
        read_settings(tmp_path)
    assert word in wrong.value.what


def consent(home: Path, **more: Any) -> None:
    """A consent of the one person, as a feed sends it."""
    provision = {"type": "permit", "provision": [{"type": "deny", "purpose": [{"code": "TREAT"}]}]}
    said = {"resourceType": "Consent", "id": "c1", "status": "active", "patient": {"reference": "Patient/x1"}, "provision": provision}
    said |= {"scope": {"coding": [{"code": "patient-privacy"}]}, "category": [{"coding": [{"code": "59284-0"}]}], **more}
    house = open_home(home)
    receive(house, [Delivery(json.dumps(said).encode(), "ehr", "fhir", f"consent-{len(more)}.json")])
    house.close()


def test_a_consent_withdrawn_after_queuing_holds_the_message(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing leaves; the message is held with its reason, visible, not lost; it is released when the person consents again, not before."""
    hook = HttpPeer()
    secret = home / "keys" / "app.secret"
    secret.write_text(KEY + "\n")
    secret.chmod(0o600)
    add(home, "app", "webhook", f"http://127.0.0.1:{hook.port}/", secret='"keys/app.secret"')
    at = ("--home", str(home))
    assert told(capsys, "decide", "--use", "deterioration", "--person", person_of(home), *at)[0] == 0
    consent(home)
    code, answer = told(capsys, "outbox", "send", *at)
    assert (code, answer["destinations"][0]["delivered"], hook.requests) == (0, 0, [])
    [held] = told(capsys, "outbox", "list", "--state", "held", *at)[1]["messages"]
    assert (held["reason"], held["attempts"]) == ("consent", 0)
    house = open_home(home)
    notes = [entry["notes"] for _, entry in house.ledger.find("outbox")]
    assert [(one["then"], one["reason"]) for one in notes] == [("held", "consent")]
    assert stopped(house, house.role("outbox").message("app", 1))  # nor is it given to who asks for what it missed
    house.close()
    code, refused = told(capsys, "outbox", "resend", "app", "1", *at)
    assert (code, refused["error"]["code"]) == (3, "E859")
    consent(home, status="inactive")
    assert told(capsys, "outbox", "resend", "app", "1", *at)[1]["state"] == "waiting"
    assert told(capsys, "outbox", "send", *at)[1]["destinations"][0]["delivered"] == 1
    assert json.loads(hook.requests[0][3])["data"]["decision"] == "D-000001"
    hook.close()
