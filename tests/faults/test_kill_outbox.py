"""kill -9 at any moment while decisions are made and delivered: nothing out without an entry, nothing lost, repeats bear one key."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest
from sender import DESTINATIONS

from outgoing_ward import KEY, SYSTEM, Yard
from peers import HttpPeer, MllpPeer, control_of


def life(folder: Path, root: Path, peers: tuple[MllpPeer, HttpPeer], first: int, seconds: float) -> list[str]:
    """Start a sender, let it live a little after its first decision, kill it. The decisions it said were durable."""
    words = [str(folder), str(peers[0].port), str(peers[1].port), str(first)]
    command = [sys.executable, str(root / "tests/faults/sender.py"), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as sender:
        assert sender.stdout is not None
        heard = sender.stdout.read(1)
        time.sleep(seconds)
        sender.send_signal(signal.SIGKILL)
        heard += sender.stdout.read()
        if not heard:
            assert sender.stderr is not None
            raise AssertionError(sender.stderr.read().decode())
    return [line.split()[0] for line in heard.decode().split("\n")[:-1]]


def killed(tmp_path: Path, root: Path, rounds: int, seed: int) -> None:
    """So many deaths of one home, then the rest is delivered, then look."""
    chance = random.Random(seed)
    mllp, http = MllpPeer(tuple(chance.choice(("AA", "AA", "AA", "close", "AR")) for _ in range(200))), HttpPeer()
    folder, released = tmp_path / "home", list[str]()
    Yard(folder, DESTINATIONS).close()
    for number in range(rounds):
        released += life(folder, root, (mllp, http), number * 1000, chance.uniform(0.0, 0.4))
    before = len(mllp.heard), len(http.requests)
    yard = Yard(folder, DESTINATIONS)
    couriers = [
        yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{mllp.port}", patient_system=SYSTEM),
        yard.courier("app", "webhook", f"http://127.0.0.1:{http.port}/", key=KEY),
    ]
    for courier in couriers:
        for _ in range(300):
            courier.drain(forever=False)
            if yard.outbox.head(courier.name) is None:
                break
    decided = {entry["notes"]["id"] for _, entry in yard.ledger.find("decision")}
    assert set(released) <= decided
    sent = defaultdict(set)
    for _, entry in yard.ledger.find("sent"):
        sent[entry["notes"]["destination"]].add(entry["notes"]["key"])
    wire = {
        "ehr": [(control_of(one), one) for one in mllp.heard],
        "app": [(head["webhook-id"], body) for _, _, head, body in http.requests],
    }
    assert min(before) > 0
    for name, heard in wire.items():
        rows = yard.outbox.messages(name, limit=1_000_000)
        assert [one.number for one in rows] == list(range(1, len(rows) + 1))
        assert {one.decision_id for one in rows} == decided
        assert {one.state for one in rows} <= {"delivered", "dead"}
        assert {one.reason for one in rows if one.state == "dead"} <= {"AR-10-times"}
        bodies = defaultdict(set)
        for key, body in heard:
            bodies[key].add(body)
        assert set(bodies) == {one.key for one in rows} == sent[name]
        assert {len(held) for held in bodies.values()} == {1}
        order = list(dict.fromkeys(key for key, _ in heard))
        assert order == [one.key for one in rows]
    assert yard.store.read("PRAGMA integrity_check") == [("ok",)]
    yard.close()
    mllp.close()
    http.close()


def test_killed_a_few_times(tmp_path: Path, root: Path) -> None:
    """Three random deaths: every decision reaches both peers, in order, each with one key and the same bytes however often."""
    killed(tmp_path, root, 3, 21)


@pytest.mark.long
def test_killed_sixty_times(tmp_path: Path, root: Path) -> None:
    """The same sixty times."""
    killed(tmp_path, root, 60, 22)
