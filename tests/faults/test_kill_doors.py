"""kill -9 of a running `trivet up` under load: two feeds, three connections each, settling meanwhile. No acknowledged message is lost."""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path

import pytest
from doorway import Peer, Up, home_with_doors, message

from trivet.flows.fsck import fsck
from trivet.flows.receive import process_pending
from trivet.flows.reconcile import reconcile
from trivet.wiring.build import open_home

ROUNDS = int(os.environ.get("TRIVET_ROUNDS", "100"))
FEEDS = ("adt", "lab")


def load(port: int, source: str, name: str, heard: list[tuple[str, bytes]]) -> None:
    """Send messages until the door is gone; write down each that was acknowledged."""
    try:
        peer = Peer(port, 30)
        number = 0
        while True:
            control = f"{name}-{number}"
            raw = message(control, person=hash(control) % 200)
            code, answered = peer.send(raw)
            if code != "AA" or answered != control:
                return
            heard.append((source, raw))
            number += 1
    except OSError:
        return


def one_round(home: Path, number: int, lives_for: float) -> list[tuple[str, bytes]]:
    """Start the house, load its doors, kill it in the middle. What it acknowledged."""
    up = Up(home)
    heard: list[tuple[str, bytes]] = []
    places = [(source, place) for source in FEEDS for place in range(3)]
    peers = [
        threading.Thread(target=load, args=(up.ports[source], source, f"{number}-{source}-{place}", heard)) for source, place in places
    ]
    for peer in peers:
        peer.start()
    end = time.monotonic() + 30
    while len(heard) < 8 and time.monotonic() < end:
        time.sleep(0.005)
    time.sleep(lives_for)
    up.kill()
    for peer in peers:
        peer.join()
    return list(heard)


def storm(home: Path, rounds: int, seed: int) -> None:
    """So many deaths of one home, a look after every tenth."""
    chance, acknowledged = random.Random(seed), list[tuple[str, bytes]]()
    for number in range(rounds):
        acknowledged += one_round(home, number, chance.random() * 0.5)
        if number % 10 == 9 or number == rounds - 1:
            look(home, acknowledged)
    assert len(acknowledged) > rounds * 3


def look(home: Path, acknowledged: list[tuple[str, bytes]]) -> None:
    """Every acknowledged message is there once, what is in flight can be settled, and all of it adds up."""
    house = open_home(home)
    try:
        kept = {(source, blob): state for source, blob, state in house.store.read("select source, blob, state from receipt")}
        assert [raw for source, raw in acknowledged if (source, house.vault.address(raw)) not in kept] == []
        assert fsck(house)["sound"]
        process_pending(house)
        after, sums = fsck(house), reconcile(house)
        assert after["sound"], after
        assert after["in_flight"] == 0
        assert sums["balanced"], sums
        assert sum(line["mapped"] for line in sums["sources"]) == len(kept)
    finally:
        house.close()


def test_killed_twice_at_the_door(tmp_path: Path) -> None:
    """Two random deaths under load; the long run below is the proof."""
    storm(home_with_doors(tmp_path / "home", *FEEDS), 2, 3)


@pytest.mark.long
def test_killed_a_hundred_times_at_the_door(tmp_path: Path) -> None:
    """A hundred random deaths under load: zero acknowledged messages lost, the ledger sound, the sums balanced."""
    storm(home_with_doors(tmp_path / "home", *FEEDS), ROUNDS, 20260301)
