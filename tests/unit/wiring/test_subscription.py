"""Subscriptions (R4 backport): notifications through the HTTP door of a running home, gaps asked for by number, against a real server."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from loopback import served
from trivet.contracts.house import House
from trivet.flows.receive import process_pending
from trivet.integration.inbound.subscription import read_notification
from trivet.kernel.digest import record_id
from trivet.kernel.errors import Problem, Usage
from trivet.wiring import sources
from trivet.wiring.doors import Settler, application
from wire_home import now, polled, wire_home

FHIR = "application/fhir+json"
SECRET = "Bearer 0123456789abcdef0123"


def status(kind: str, since: int, events: dict[int, str]) -> dict[str, Any]:
    """The status of a subscription as R4 has it."""
    told: list[dict[str, Any]] = [
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(since)},
    ]
    for number, focus in events.items():
        parts = [{"name": "event-number", "valueString": str(number)}, {"name": "focus", "valueReference": {"reference": focus}}]
        told.append({"name": "notification-event", "part": parts})
    return {"resourceType": "Parameters", "parameter": told}


@dataclass
class Subscribed:
    """A server with a subscription: event n is about Observation n. `silent` events say no content, `gone` are deleted."""

    count: int = 0
    requests: list[str] = field(default_factory=list)
    silent: set[int] = field(default_factory=set)
    base: str = ""

    def bundle(self, kind: str, numbers: list[int], since: int | None = None) -> dict[str, Any]:
        """A notification about events."""
        told = status(kind, self.count if since is None else since, {number: f"{self.base}/Observation/o{number}" for number in numbers})
        entries = [{"fullUrl": "urn:uuid:1", "resource": told, "request": {"method": "GET", "url": "x"}}]
        for number in numbers:
            request = {"method": "PUT", "url": f"Observation/o{number}"}
            entry: dict[str, Any] = {"fullUrl": f"{self.base}/Observation/o{number}", "request": request}
            entries.append(entry if number in self.silent else {**entry, "resource": observation(number)})
        return {"resourceType": "Bundle", "type": "history", "entry": entries}

    def app(self) -> Starlette:
        """As an application."""
        return Starlette(routes=[Route("/{path:path}", self.answer)])

    async def answer(self, request: Request) -> Response:
        """Any request."""
        self.requests.append(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
        query = {name: int(values[-1]) for name, values in parse_qs(request.url.query).items() if values[-1].isdigit()}
        path = request.url.path
        if path.endswith("$status"):
            return JSONResponse(self.bundle("query-status", []), media_type=FHIR)
        if path.endswith("$events"):
            numbers = list(range(query["eventsSinceNumber"], min(query["eventsUntilNumber"], self.count) + 1))
            return JSONResponse(self.bundle("query-event", numbers), media_type=FHIR)
        found = re.search(r"/Observation/o(\d+)$", path)
        return JSONResponse(observation(int(found[1])), media_type=FHIR) if found else Response(status_code=404)


def observation(number: int) -> dict[str, Any]:
    """A resource."""
    return {"resourceType": "Observation", "id": f"o{number}", "status": "final", "code": {"text": "x"}}


@contextmanager
def subscribed(folder: Path) -> Iterator[tuple[Subscribed, House, str]]:
    """The server, a home that listens to it, and the address of its door."""
    there = Subscribed()
    with served(there.app()) as url:
        there.base = f"{url}/fhir"
        house = wire_home(folder, f"subscription+{there.base}", {"subscription": "s1", "secret_file": "keys/secret", "tries": 1})
        path = folder / "home/keys/secret"
        path.touch(0o600)
        path.write_text(SECRET + "\n")
        try:
            with served(application(house, Settler(house, lambda _: None), "", None)) as door:
                yield there, house, f"{door}/notify/feed"
        finally:
            house.close()


def notify(door: str, body: Any, secret: str = SECRET) -> int:
    """What the door answers."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(door, content=content, headers={"authorization": secret, "content-type": FHIR}, timeout=20).status_code


def here(house: House) -> set[int]:
    """The observations that are on the shelf."""
    process_pending(house)
    keys = {f"Observation/{record_id('feed', 'Observation', f'o{number}')}": number for number in range(500)}
    return {keys[key] for key in now(house)}


def place(house: House) -> dict[str, Any]:
    """The bookmark."""
    found: dict[str, Any] = house.role("wires").memory("feed").bookmark()
    return found


def eventually(house: House, numbers: set[int]) -> None:
    """Wait until these are here."""
    until = time.monotonic() + 30
    while here(house) != numbers and time.monotonic() < until:
        time.sleep(0.05)
    assert here(house) == numbers


def test_handshake_heartbeat_and_events(tmp_path: Path) -> None:
    """Each kind is answered 200 when it is durable; only resources become records; the same event again is nothing."""
    with subscribed(tmp_path) as (there, house, door):
        assert notify(door, there.bundle("handshake", [])) == 200
        for number in (1, 2):
            there.count = number
            assert notify(door, there.bundle("event-notification", [number])) == 200
        assert notify(door, there.bundle("event-notification", [2])) == 200
        assert notify(door, there.bundle("heartbeat", [])) == 200
        assert here(house) == {1, 2}
        assert place(house) == {"last": 2, "beyond": [], "highest": 2}
        assert there.requests == []
        _, rows = house.shelf.query("select kind, words from source_events")
        assert rows == [("subscription", '{"about":"handshake"}')]


def test_a_gap_is_asked_for(tmp_path: Path) -> None:
    """An event whose number was passed over is asked for by `$events`; so is one that a heartbeat counts, or that came without content,
    by its focus where the server tells no more."""
    with subscribed(tmp_path) as (there, house, door):
        there.count = 4
        assert notify(door, there.bundle("event-notification", [4])) == 200
        eventually(house, {1, 2, 3, 4})
        assert "eventsSinceNumber=1&eventsUntilNumber=4" in "".join(there.requests)
        there.count = 6
        assert notify(door, there.bundle("heartbeat", [])) == 200
        eventually(house, {1, 2, 3, 4, 5, 6})
        there.count, there.silent = 7, {7}
        assert notify(door, there.bundle("event-notification", [7])) == 200
        eventually(house, {1, 2, 3, 4, 5, 6, 7})
        assert "/fhir/Observation/o7" in there.requests
        there.count, there.silent = 300, set()
        assert polled(house).landed == 293
        assert place(house)["last"] == 300


def test_strangers_and_garbage(tmp_path: Path) -> None:
    """A wrong secret is 401, an unknown source 404, and nothing is taken; garbage of the right sender is kept and 400; a secret
    that others may read is 503."""
    with subscribed(tmp_path) as (there, house, door):
        there.count = 1
        assert notify(door, there.bundle("event-notification", [1]), "Bearer wrong") == 401
        assert notify(door.replace("feed", "other"), there.bundle("event-notification", [1])) == 404
        assert house.store.read("select count(*) from receipt") == [(0,)]
        assert notify(door, b"\xff not a notification") == 400
        assert notify(door, {"resourceType": "Bundle", "type": "history", "entry": [{"resource": observation(1)}]}) == 400
        process_pending(house)
        assert house.store.read("select count(*) from receipt") == [(2,)]
        (tmp_path / "home/keys/secret").chmod(0o644)
        assert notify(door, there.bundle("event-notification", [1])) == 503
        (tmp_path / "home/keys/secret").chmod(0o600)
        (tmp_path / "home/keys/secret").write_text("short")
        with pytest.raises(Usage):
            sources.make(house, "feed").probe()


def test_the_later_form_of_the_status_is_read_too() -> None:
    """SubscriptionStatus of R4B and later says the same."""
    told = {"resourceType": "SubscriptionStatus", "type": "event-notification", "eventsSinceSubscriptionStart": "7"}
    told["notificationEvent"] = [{"eventNumber": "7", "focus": {"reference": "Observation/o7"}}]
    body = {"resourceType": "Bundle", "type": "history", "entry": [{"resource": told}, {"resource": observation(7)}]}
    note = read_notification(json.dumps(body).encode())
    assert note is not None
    assert (note.kind, note.since_start, note.events, note.whole()) == ("event-notification", 7, {7: "Observation/o7"}, [7])
    assert read_notification(b"{}") is None
    assert issubclass(Usage, Problem)
