"""Subscriptions of the R4 backport against a running `trivet up`: a real subscriber, real handshakes, numbers without gaps."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.wiring.test_outgoing import add, home, person_of, told

from outgoing_ward import KEY
from peers import HttpPeer
from trivet.integration.outbound.webhook import signatures
from trivet.wiring.build import open_home

__all__ = ["home"]

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
TOPIC = "urn:trivet:topic:decision-issued"


def wish(endpoint: str, content: str = "id-only", topic: str = TOPIC, **channel: Any) -> dict[str, Any]:
    """A Subscription as the guide's examples write it."""
    held = {"type": "rest-hook", "endpoint": endpoint, "payload": "application/fhir+json", "header": ["Authorization: Bearer theirs"]}
    held |= {"_payload": {"extension": [{"url": f"{BACKPORT}/backport-payload-content", "valueCode": content}]}, **channel}
    return {"resourceType": "Subscription", "status": "requested", "reason": "Tell us", "criteria": topic, "channel": held}


def named(resource: dict[str, Any], name: str) -> list[Any]:
    """The values of a Parameters' parameter."""
    found = [one for one in resource["parameter"] if one["name"] == name]
    return [next((value for key, value in one.items() if key.startswith("value")), one.get("part")) for one in found]


def kind_of(body: bytes) -> str:
    """The kind of a notification."""
    return str(named(json.loads(body)["entry"][0]["resource"], "type")[0])


def until(holds: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Wait for something; what it gave, or the failure."""
    end = time.monotonic() + seconds
    while not (got := holds()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return got


@dataclass
class Served:
    """A running house, its subscriber, and how to ask it."""

    home: Path
    base: str
    peer: HttpPeer

    def ask(self, method: str, path: str, body: Any = None, token: str = "letmein") -> tuple[int, Any, httpx.Headers]:
        """Status, body, headers."""
        answer = httpx.request(method, self.base + path, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=20)
        return answer.status_code, answer.json() if answer.content else None, answer.headers

    def heard(self, kind: str) -> list[dict[str, Any]]:
        """The notifications of a kind that the subscriber has taken."""
        return [json.loads(body) for _, _, _, body in list(self.peer.requests) if kind_of(body) == kind]

    def subscribe(self, resource: dict[str, Any]) -> str:
        """Subscribe and wait for the handshake. The id."""
        status, made, headers = self.ask("POST", "/Subscription", resource)
        assert (status, made["status"]) == (201, "requested")
        assert headers["location"].endswith(f"/Subscription/{made['id']}")
        until(lambda: self.ask("GET", f"/Subscription/{made['id']}")[1]["status"] in ("active", "error"))
        return str(made["id"])


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    """`trivet up` with one client that may subscribe to everything below its own address."""
    peer = HttpPeer()
    for name, secret in (("portal", "letmein"), ("other", "elsewhere"), ("app", KEY)):
        path = home / "keys" / f"{name}.secret"
        path.write_text(secret + "\n")
        path.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = f'{{ content = "full-resource", patient_system = "urn:mrn", failures = 2, base = "http://127.0.0.1:{port}/fhir" }}'
    there = f"http://127.0.0.1:{peer.port}/hook"
    add(home, "portal", "subscriptions", there, secret='"keys/portal.secret"', options=options, retry_first='"0s"')
    add(home, "other", "subscriptions", there, secret='"keys/other.secret"')
    add(home, "app", "webhook", "http://127.0.0.1:9/", secret='"keys/app.secret"', retry_first='"1h"')
    command = [sys.executable, "-m", "trivet.cli.main", "up", "--home", str(home), "--http", f"127.0.0.1:{port}", "--no-console"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as up:
        try:
            assert up.stderr is not None
            assert up.stderr.readline().startswith("http")
            until(lambda: listens(port))
            yield Served(home, f"http://127.0.0.1:{port}/fhir", peer)
        finally:
            up.send_signal(signal.SIGTERM)
            ended = up.wait(30)
        assert ended == 0
    peer.close()


def listens(port: int) -> bool:
    """Is somebody there?"""
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True


@pytest.mark.long
def test_the_life_of_a_subscription(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    """Handshake, notification, heartbeat, error, what was missed, handshake again, end: every number told once, none left out."""
    there, person = f"http://127.0.0.1:{served.peer.port}/hook/a", person_of(served.home)
    beat = [{"url": f"{BACKPORT}/backport-heartbeat-period", "valueUnsignedInt": 1}]
    name = served.subscribe(wish(there, extension=beat))
    [shake] = served.heard("handshake")
    assert served.peer.requests[0][2]["authorization"] == "Bearer theirs"
    assert shake["type"] == "history"
    assert named(shake["entry"][0]["resource"], "status") == ["requested"]
    assert served.ask("GET", f"/Subscription/{name}")[1]["status"] == "active"
    assert "header" not in served.ask("GET", f"/Subscription/{name}")[1]["channel"]

    def decided() -> None:
        assert told(capsys, "decide", "--use", "deterioration", "--person", person, "--home", str(served.home))[0] == 0

    decided()
    [told_of] = until(lambda: served.heard("event-notification"))
    state = told_of["entry"][0]["resource"]
    assert named(state, "events-since-subscription-start") == ["1"]
    parts = {part["name"]: part for part in named(state, "notification-event")[0]}
    assert parts["event-number"]["valueString"] == "1"
    focus = parts["focus"]["valueReference"]["reference"]
    assert focus == f"{served.base}/RiskAssessment/D-000001"
    assert len(told_of["entry"]) == 1
    status, read, _ = served.ask("GET", "/RiskAssessment/D-000001")
    assert (status, read["subject"]["identifier"]["value"]) == (200, "77")
    assert served.ask("GET", "/RiskAssessment/D-000001", token="elsewhere")[0] == 404
    until(lambda: served.heard("heartbeat"))
    served.peer.plan.extend([(500, {}, b"")] * 200)
    decided()
    decided()
    until(lambda: served.ask("GET", f"/Subscription/{name}")[1]["status"] == "error")
    _, states, _ = served.ask("GET", f"/Subscription/{name}/$status")
    assert named(states["entry"][0]["resource"], "events-since-subscription-start") == ["3"]
    assert named(states["entry"][0]["resource"], "error")
    _, missed, _ = served.ask("GET", f"/Subscription/{name}/$events?eventsSinceNumber=2&content=full-resource")
    events = named(missed["entry"][0]["resource"], "notification-event")
    assert [next(part["valueString"] for part in event if part["name"] == "event-number") for event in events] == ["2", "3"]
    assert len(missed["entry"]) == 1  # never more than was subscribed to
    served.peer.plan.clear()
    assert served.ask("PUT", f"/Subscription/{name}", wish(there))[0] == 200
    until(lambda: len(served.heard("handshake")) == 2 and len(served.heard("event-notification")) >= 3)
    until(lambda: served.ask("GET", f"/Subscription/{name}")[1]["status"] == "active")
    assert served.ask("DELETE", f"/Subscription/{name}")[0] == 204
    decided()
    house = open_home(served.home)
    rows = house.role("outbox").messages(f"subscription:{name}")
    assert [one.number for one in rows] == [1, 2, 3]
    acts = [entry["notes"]["then"] for _, entry in house.ledger.find("subscription")]
    assert acts == ["requested", "active", "error", "requested", "active", "off"]
    assert any(entry["notes"].get("client") == "portal" for _, entry in house.ledger.find("access"))
    house.close()


@pytest.mark.long
def test_levels_of_content(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    """`empty` names nothing but a number; `full-resource` brings the resource; a withheld answer goes to its own topic."""
    there = f"http://127.0.0.1:{served.peer.port}/hook"
    served.subscribe(wish(f"{there}/empty", "empty"))
    served.subscribe(wish(f"{there}/full", "full-resource"))
    served.subscribe(wish(f"{there}/none", "full-resource", "urn:trivet:topic:decision-withheld"))
    person = person_of(served.home)
    told(capsys, "decide", "--use", "deterioration", "--person", person, "--home", str(served.home))

    def at(path: str) -> list[dict[str, Any]]:
        return [
            json.loads(body) for _, where, _, body in list(served.peer.requests) if where == path and kind_of(body) == "event-notification"
        ]

    [empty] = until(lambda: at("/hook/empty"))
    assert "D-00" not in json.dumps(empty)
    assert "topic" not in json.dumps(empty["entry"][0]["resource"]["parameter"])
    [whole] = until(lambda: at("/hook/full"))
    [_, entry] = whole["entry"]
    assert entry["resource"]["resourceType"] == "RiskAssessment"
    assert entry["resource"]["meta"]["security"][0]["code"] == "AIAST"
    told(capsys, "suspend", "news2", "--reason", "look", "--home", str(served.home))
    told(capsys, "decide", "--use", "deterioration", "--person", person, "--home", str(served.home))
    [none] = until(lambda: at("/hook/none"))
    assert none["entry"][1]["resource"]["status"] == "cancelled"
    assert served.ask("GET", "/RiskAssessment/D-000001")[0] == 403  # its model stands still


def test_what_is_not_offered_is_refused(served: Served) -> None:
    """Tokens, topics, channels, addresses, contents, filters, headers: each refusal names the element; nothing is subscribed."""
    there = f"http://127.0.0.1:{served.peer.port}/hook"
    assert served.ask("POST", "/Subscription", wish(there), token="guess")[0] == 401
    status, said, _ = served.ask("GET", "/metadata", token="none")
    assert (status, TOPIC in json.dumps(said)) == (200, True)

    def refused(resource: Any, token: str = "letmein") -> str:
        status, body, _ = served.ask("POST", "/Subscription", resource, token=token)
        assert (status, body["resourceType"]) == (422, "OperationOutcome")
        return str(body["issue"][0]["expression"][0])

    def filtered(text: str) -> dict[str, Any]:
        return {**wish(there), "_criteria": {"extension": [{"url": f"{BACKPORT}/backport-filter-criteria", "valueString": text}]}}

    assert refused({"resourceType": "Patient"}) == "Subscription"
    assert refused(wish(there, topic="urn:other")) == "Subscription.criteria"
    assert refused(wish(there, type="email")) == "Subscription.channel.type"
    for wrong in ("http://127.0.0.1:1/hook", there + "ed", there + "/../x", there.replace("127", "user@127"), "file:///etc/passwd"):
        assert refused(wish(wrong)) == "Subscription.channel.endpoint"
    assert refused(wish(there, payload="text/plain")) == "Subscription.channel.payload"
    assert refused(wish(there, "everything")) == "Subscription.channel.payload.extension"
    assert refused(wish(there, "full-resource"), token="elsewhere") == "Subscription.channel.payload.extension"
    for header in ("Host: x", "A: b\r\nC: d", "nothing"):
        assert refused(wish(there, header=[header])) == "Subscription.channel.header"
    assert refused(filtered("Encounter?patient=1")) == "Subscription.criteria.extension"
    assert refused({**wish(there), "end": "soon"}) == "Subscription.end"
    answer = httpx.post(f"{served.base}/Subscription", content=b"{", headers={"Authorization": "Bearer letmein"})
    assert answer.status_code == 400
    assert served.ask("GET", "/Subscription")[1]["total"] == 0
    name = served.subscribe(filtered("RiskAssessment?use=readmission"))
    assert served.ask("GET", f"/Subscription/{name}", token="elsewhere")[0] == 404
    assert served.ask("GET", f"/Subscription/{name}/$events?eventsSinceNumber=x")[0] == 400


@pytest.mark.long
def test_an_endpoint_that_does_not_answer_the_handshake_is_sent_nothing(served: Served) -> None:
    """It is in error from the start."""
    served.peer.plan.append((403, {}, b""))
    name = served.subscribe(wish(f"http://127.0.0.1:{served.peer.port}/hook"))
    assert served.ask("GET", f"/Subscription/{name}")[1]["status"] == "error"


def test_a_webhooks_receiver_asks_for_what_it_missed(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    """Signed with the webhook's own key it gets every number, with the state of each; unsigned or altered it gets nothing."""
    told(capsys, "decide", "--use", "deterioration", "--person", person_of(served.home), "--home", str(served.home))
    at = int(time.time())
    target = "/out/app/events?since=1"
    signed = {"webhook-id": "q1", "webhook-timestamp": str(at), "webhook-signature": signatures([KEY], "q1", at, target.encode())[0]}
    root = served.base.removesuffix("/fhir")

    def asked(path: str, headers: dict[str, str]) -> httpx.Response:
        return httpx.get(root + path, headers=headers, timeout=20)

    until(lambda: "body" in asked(target, signed).json()["events"][0])
    answer = asked(target, signed).json()
    assert (answer["last"], answer["events"][0]["event"], answer["events"][0]["body"]["data"]["decision"]) == (1, 1, "D-000001")
    assert asked(target, {}).status_code == 401
    assert asked("/out/app/events?since=0", signed).status_code == 401
    assert asked("/out/portal/events", signed).status_code == 401
