"""kill -9 of a running `trivet up` while one sender sends without a pause, so that its messages pass through the intake journal."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from doorway import Peer, Up, home_with_doors, message

from trivet.data.intake.slips import found
from trivet.flows.fsck import fsck
from trivet.flows.receive import process_pending
from trivet.flows.reconcile import reconcile
from trivet.wiring.build import open_home

ROUNDS = int(os.environ.get("TRIVET_ROUNDS", "100"))


def send(port: int, name: str, heard: list[bytes]) -> None:
    """One message behind the other until the door is gone; write down each that was acknowledged."""
    try:
        peer = Peer(port, 30)
        while True:
            control = f"{name}-{len(heard)}"
            raw = message(control, person=len(heard) % 50)
            if peer.send(raw) != ("AA", control):
                return
            heard.append(raw)
    except OSError:
        return


def unlanded(home: Path) -> int:
    """How many messages the dead house left in its journal alone."""
    store = sqlite3.connect(home / "home.db")
    rows = store.execute("select through from intake").fetchall()
    store.close()
    return len(found((home / "intake.journal").read_bytes(), rows[0][0] if rows else 0))


def one_round(home: Path, number: int, lives_for: float) -> tuple[list[bytes], int]:
    """Start the house, send, kill it in the middle. What it acknowledged, and how much of that stood in the journal alone."""
    up = Up(home)
    heard: list[bytes] = []
    sender = threading.Thread(target=send, args=(up.ports["adt"], str(number), heard))
    sender.start()
    end = time.monotonic() + 30
    while len(heard) < 20 and time.monotonic() < end:
        time.sleep(0.002)
    time.sleep(lives_for)
    up.kill()
    sender.join()
    return heard, unlanded(home)


def look(home: Path, acknowledged: list[bytes]) -> None:
    """Opening lands what the journal holds: every acknowledged message is there, once, in the order of its sender; all of it settles and
    adds up."""
    house = open_home(home)
    try:
        assert unlanded(home) == 0
        places = {blob: seq for seq, blob in house.store.read("select seq, blob from receipt where source = 'adt'")}
        wanted = [house.vault.address(raw) for raw in acknowledged]
        assert [blob for blob in wanted if blob not in places] == []
        assert [places[blob] for blob in wanted] == sorted(places[blob] for blob in wanted)
        assert house.store.read("select count(*) from delivery where repeated = 1") == [(0,)]
        told = fsck(house)
        assert told["sound"], told
        process_pending(house)
        assert fsck(house)["in_flight"] == 0
        assert reconcile(house)["balanced"]
    finally:
        house.close()


def storm(home: Path, rounds: int, seed: int) -> int:
    """So many deaths of one home, a look after every tenth: in between, the next house itself lands what was left. Gives how many
    messages were found in the journal alone."""
    chance, acknowledged, alone = random.Random(seed), list[bytes](), 0
    for number in range(rounds):
        heard, left = one_round(home, number, chance.random() * 0.3)
        acknowledged += heard
        alone += left
        if number % 10 == 9 or number == rounds - 1:
            look(home, acknowledged)
    assert len(acknowledged) >= rounds * 20
    return alone


def test_killed_once_between_acknowledging_and_landing(tmp_path: Path) -> None:
    """One random death of a house with one busy sender; the long run below is the proof."""
    storm(home_with_doors(tmp_path / "home", "adt"), 1, 5)


@pytest.mark.long
def test_killed_a_hundred_times_between_acknowledging_and_landing(tmp_path: Path) -> None:
    """A hundred random deaths with one busy sender: zero acknowledged messages lost, none twice, none out of order; and the journal alone
    held some of them."""
    assert storm(home_with_doors(tmp_path / "home", "adt"), ROUNDS, 20260301) > 0
