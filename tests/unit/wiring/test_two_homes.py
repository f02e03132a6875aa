"""Two homes over real sockets: what one tells by FHIR Subscriptions (R4 backport) the other takes in, every event once, also what got
lost on the way and what happened while one of them was down."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.wiring.test_outgoing import add, home, person_of, told
from tests.unit.wiring.test_subscribing import BACKPORT, kind_of, listens, until, wish

from loopback import served
from peers import HttpPeer
from trivet.contracts.house import House
from trivet.flows.receive import process_pending
from trivet.wiring.build import open_home
from trivet.wiring.doors import Settler, application
from wire_home import NOON, now, polled, wire_home

__all__ = ["home"]

SECRET = "Bearer 0123456789abcdef0123"


class Hearer:
    """The home that listens, behind a line that can swallow what comes."""

    def __init__(self, folder: Path, base: str) -> None:
        self.folder, self.target, self.stack = folder, "", ExitStack()
        wire = {"subscription": "sub-1", "secret_file": "keys/hook", "token_file": "keys/token", "renew": True, "tries": 1}
        house = wire_home(folder, f"subscription+{base}", wire)
        for name, text in (("hook", SECRET), ("token", "letmein")):
            path = folder / "home/keys" / name
            path.touch(0o600)
            path.write_text(text + "\n")
        house.close()
        self.line = HttpPeer(self.forward)
        self.house: House
        self.up()

    def up(self) -> None:
        """Open the home and its door."""
        self.house = open_home(self.folder / "home", clock=NOON)
        self.target = self.stack.enter_context(served(application(self.house, Settler(self.house, lambda _: None), "", None)))

    def down(self) -> None:
        """Close both."""
        self.target = ""
        self.stack.close()
        self.house.close()

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """On to the door, wherever it is now; 503 while it is down."""
        if not self.target:
            return 503, {}, b""
        kept = {name: value for name, value in headers.items() if name in ("authorization", "content-type")}
        answer = httpx.request(method, self.target + path, content=body, headers=kept, timeout=20)
        return answer.status_code, {}, answer.content

    def kinds(self) -> list[str]:
        """What came over the line, in order."""
        return [kind_of(body) for _, _, _, body in list(self.line.requests)]

    def here(self) -> int:
        """How many assessments are on the shelf."""
        process_pending(self.house)
        return sum(key.startswith("RiskAssessment/") for key in now(self.house))

    def place(self) -> dict[str, Any]:
        """Which events are here."""
        found: dict[str, Any] = self.house.role("wires").memory("feed").bookmark()
        return found


class Teller:
    """The home that tells: `trivet up` as a process of its own."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port, self.process = home, port, None
        self.up()

    def up(self) -> None:
        """Start, and wait for its door."""
        command = [
            sys.executable,
            "-m",
            "trivet.cli.main",
            "up",
            "--home",
            str(self.home),
            "--http",
            f"127.0.0.1:{self.port}",
            "--no-console",
        ]
        self.process: Any = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until(lambda: listens(self.port), 60)

    def kill(self) -> None:
        """As a power cut does."""
        self.process.kill()
        self.process.wait(30)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """As the client `b`."""
        headers = {"Authorization": "Bearer letmein"}
        answer = httpx.request(method, f"http://127.0.0.1:{self.port}/fhir{path}", json=body, headers=headers, timeout=20)
        assert answer.status_code < 300, answer.text
        return answer.json()


@pytest.fixture
def pair(home: Path, tmp_path: Path) -> Iterator[tuple[Teller, Hearer]]:
    """Both, with a client at the one that is the other."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}/fhir"
    hearer = Hearer(tmp_path / "b", base)
    secret = home / "keys/b.secret"
    secret.write_text("letmein\n")
    secret.chmod(0o600)
    options = f'{{ content = "full-resource", patient_system = "urn:mrn", failures = 1000, base = "{base}" }}'
    there = f"http://127.0.0.1:{hearer.line.port}/notify"
    add(home, "b", "subscriptions", there, secret='"keys/b.secret"', options=options, retry_first='"0s"', retry_most='"1s"')
    teller = Teller(home, port)
    try:
        yield teller, hearer
    finally:
        teller.process.terminate()
        teller.process.wait(30)
        hearer.down()
        hearer.line.close()


def within(seconds: float, holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


@pytest.mark.long
def test_one_home_hears_what_another_tells(pair: tuple[Teller, Hearer], capsys: pytest.CaptureFixture[str]) -> None:
    """Handshake, heartbeat, events in order; a notification that the line swallowed is asked for by `$events`; what happens while the
    listener is down, or while the teller is killed, comes later; nothing twice, nothing never."""
    teller, hearer = pair
    person = person_of(teller.home)

    def decided() -> None:
        assert told(capsys, "decide", "--use", "deterioration", "--person", person, "--home", str(teller.home))[0] == 0

    beat = [{"url": f"{BACKPORT}/backport-heartbeat-period", "valueUnsignedInt": 1}]
    there = f"http://127.0.0.1:{hearer.line.port}/notify/feed"
    made = teller.ask("POST", "/Subscription", wish(there, "full-resource", header=[f"Authorization: {SECRET}"], extension=beat))
    assert made["id"] == "sub-1"
    within(30, lambda: teller.ask("GET", "/Subscription/sub-1")["status"] == "active")
    assert hearer.kinds()[0] == "handshake"
    within(30, lambda: "heartbeat" in hearer.kinds())

    decided()
    within(30, lambda: hearer.here() == 1)
    assert hearer.place()["last"] == 1

    # The line takes what comes next and says it was delivered; nobody here ever sees it.
    before = hearer.line.answer

    def swallow(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b""

    hearer.line.answer = swallow
    decided()
    within(30, lambda: hearer.kinds().count("event-notification") == 2)
    assert hearer.here() == 1
    hearer.line.answer = before
    within(60, lambda: hearer.here() == 2)
    assert hearer.place() == {"last": 2, "beyond": [], "highest": 2}
    _, rows = hearer.house.shelf.query("select words from source_events where kind = 'events-missed'")
    assert ('{"about":"events","first":"2","last":"2","missing":"0"}',) in rows

    # The listener is down while two things happen: the teller gives it up after a heartbeat without an answer. Up again, its next poll
    # asks for what it missed and for a new handshake.
    hearer.down()
    decided()
    decided()
    within(30, lambda: teller.ask("GET", "/Subscription/sub-1")["status"] == "error")
    hearer.up()
    assert polled(hearer.house).landed == 2
    assert hearer.here() == 4
    within(30, lambda: teller.ask("GET", "/Subscription/sub-1")["status"] == "active")
    within(30, lambda: hearer.kinds().count("handshake") >= 2)
    assert hearer.place()["last"] == 4

    # The teller is killed, and up again: the numbers go on.
    teller.kill()
    decided()
    teller.up()
    within(60, lambda: hearer.here() == 5)
    assert hearer.place() == {"last": 5, "beyond": [], "highest": 5}
    house = open_home(teller.home)
    assert [one.number for one in house.role("outbox").messages("subscription:sub-1")] == [1, 2, 3, 4, 5]
    house.close()
