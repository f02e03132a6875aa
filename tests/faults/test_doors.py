"""Bad peers at the doors of a running `trivet up`: each is answered truly or left, others are served, and memory stays bounded."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from doorway import Peer, Up, home_with_doors, message, until

from trivet.flows.fsck import fsck
from trivet.flows.reconcile import reconcile
from trivet.wiring.build import open_home

pytestmark = pytest.mark.long
ROOM = 400  # megabytes that a running house may take, whatever its peers do: its own 150, and one budget for all peers


class Day:
    """A running house with a good feed and a bad one. `acknowledged` is every message that it said yes to, by source."""

    def __init__(self, home: Path) -> None:
        self.home, self.up = home, Up(home)
        self.acknowledged: dict[tuple[str, str], bytes] = {}
        self.good = Peer(self.up.ports["good"])
        self.count = 0

    def other_feed(self) -> None:
        """The other feed goes on: its next message is acknowledged."""
        self.count += 1
        raw = message(f"G{self.count}", person=self.count % 50)
        assert self.good.send(raw) == ("AA", f"G{self.count}")
        self.acknowledged["good", f"G{self.count}"] = raw


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """One house for all that happens at its doors; at the end nothing acknowledged is lost, and all of it adds up."""
    home = home_with_doors(tmp_path_factory.mktemp("day") / "home", "good", "bad")
    day = Day(home)
    yield day
    assert day.up.peak() < ROOM
    assert day.up.stop() == 0
    house = open_home(home)
    kept = {(source, blob) for source, blob in house.store.read("select source, blob from receipt")}
    assert [name for name, raw in day.acknowledged.items() if (name[0], house.vault.address(raw)) not in kept] == []
    assert fsck(house)["sound"]
    sums = reconcile(house)
    assert sums["balanced"]
    assert all(line["in_flight"] == 0 for line in sums["sources"])
    house.close()


def test_a_frame_of_a_gigabyte(day: Day) -> None:
    """A no as soon as 16 MiB are passed, the head kept in quarantine, the connection closed behind the answer, memory bounded."""
    before = day.up.peak()
    peer = socket.create_connection(("127.0.0.1", day.up.ports["bad"]), timeout=60)
    peer.sendall(b"\x0b" + message("HUGE"))
    block, sent, heard = b"x" * 2**20, 0, b""
    try:
        while sent < 1024:
            peer.sendall(block)
            sent += 1
            if sent % 8 == 0:
                day.other_feed()
    except OSError:
        assert sent > 64  # it was cut off, after the answer
    try:
        while more := peer.recv(65536):
            heard += more
    except OSError:
        assert heard
    assert heard.count(b"MSA|") == 1
    assert b"MSA|AR|HUGE" in heard
    assert day.up.peak() - before < 100
    peer.close()
    house = open_home(day.home)
    until(lambda: house.store.read("select count(*) from receipt where source = 'bad' and state = 'quarantined'")[0][0] == 1)
    [(blob,)] = house.store.read("select blob from receipt where source = 'bad' and state = 'quarantined'")
    head = house.vault.get(blob)
    assert head.startswith(message("HUGE")[:60])
    assert len(head) <= 65536
    house.close()


def test_garbage(day: Day) -> None:
    """Bytes that are no message: in a frame they are kept and refused, outside of one they are noise; never a yes."""
    chance = random.Random(5)
    peer = Peer(day.up.ports["bad"])
    for number in range(200):
        raw = bytes(byte for byte in chance.randbytes(chance.randrange(1, 3000)) if byte not in (0x0B, 0x1C)) or b"?"
        peer.socket.sendall(chance.randbytes(200).replace(b"\x0b", b"").replace(b"\x1c", b""))
        code, _ = peer.send(raw)
        assert code == "AR"
        if number % 20 == 0:
            day.other_feed()
    peer.close()


def test_slow_senders(day: Day) -> None:
    """Three hundred peers that send a byte now and then hold nobody up, and their half messages are no messages."""
    slow = [socket.create_connection(("127.0.0.1", day.up.ports["bad"]), timeout=60) for _ in range(300)]
    raw = b"\x0b" + message("SLOW")
    for at in range(40):
        for peer in slow:
            peer.sendall(raw[at : at + 1])
        day.other_feed()
    for peer in slow:
        peer.close()
    day.other_feed()
    house = open_home(day.home)
    assert house.store.read("select count(*) from receipt where blob = ?", (house.vault.address(message("SLOW")),)) == [(0,)]
    house.close()


def test_a_peer_that_stops_reading(day: Day) -> None:
    """A sender that never reads its answers is not read any further; what it sent before stays, others are served."""
    deaf = socket.create_connection(("127.0.0.1", day.up.ports["bad"]), timeout=60)
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.setblocking(False)
    sent, stuck, until_ = 0, 0.0, time.monotonic() + 40
    pending = b""
    while time.monotonic() < until_ and sent < 200_000:
        pending = pending or b"\x0b" + message(f"DEAF{sent}", size=200) + b"\x1c\r"
        try:
            pending = pending[deaf.send(pending) :]
            sent += not pending
            stuck = 0.0
        except BlockingIOError:
            stuck = stuck or time.monotonic()
            if time.monotonic() - stuck > 5:
                break
            time.sleep(0.01)
        except OSError:
            break
        if sent % 500 == 0:
            day.other_feed()
    assert sent < 200_000, "the door read on although nobody took its answers"
    day.other_feed()
    deaf.close()


def test_a_thousand_connections(day: Day) -> None:
    """A thousand senders at once: each hears a yes to its own message, on both feeds."""
    done: list[tuple[str, str, tuple[str, str]]] = []

    def some(first: int) -> None:
        source = "bad" if first % 200 else "good"
        peers = [(f"T{number}", Peer(day.up.ports[source], 120)) for number in range(first, first + 100)]
        gate.wait()
        for control, peer in peers:
            peer.socket.sendall(b"\x0b" + message(control) + b"\x1c\r")
        for control, peer in peers:
            code, answered = peer.send(message(f"{control}x"))
            done.append((source, control, (code, answered)))
        for _, peer in peers:
            peer.close()

    gate = threading.Barrier(10)
    threads = [threading.Thread(target=some, args=(first,)) for first in range(0, 1000, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1000
    assert {code for _, _, (code, _) in done} == {"AA"}
    assert all(answered == control for _, control, (_, answered) in done)
    for source, control, _ in done:
        day.acknowledged[source, control] = message(control)
    day.other_feed()
