"""kill -9 at any moment of `receive`: no acknowledged message is lost, nothing stands twice, and the home fits together."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trivet.flows.fsck import fsck
from trivet.flows.receive import process_pending
from trivet.flows.reconcile import reconcile
from trivet.wiring.build import init_home, open_home
from trivet.wiring.settings import Source, add_source
from trivet.wiring.shadow import rebuild_home

pytestmark = pytest.mark.long
ROUNDS = int(os.environ.get("TRIVET_ROUNDS", "100"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one feed."""
    made = tmp_path / "home"
    init_home(made, synthetic=True).close()
    add_source(made, "adt", Source(format="hl7v2", owner="tests"))
    return made


def one_round(home: Path, root: Path, said: Path, first: int, lives_for: float) -> dict[int, int]:
    """Start a feeder, let it live a little after its first word, kill it. What it acknowledged: number -> receipt."""
    command = [sys.executable, str(root / "tests/faults/feeder.py"), str(home), str(first)]
    with said.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE) as feeder:
        while not said.stat().st_size:
            time.sleep(0.005)
            if feeder.poll() is not None:
                assert feeder.stderr is not None
                raise AssertionError(feeder.stderr.read().decode())
        time.sleep(lives_for)
        feeder.send_signal(signal.SIGKILL)
    lines = [line.split() for line in said.read_text().split("\n")[:-1]]
    return {int(number): int(seq) for number, seq in lines}


def test_kill_nine(home: Path, root: Path, tmp_path: Path) -> None:
    """A hundred random deaths: every acknowledged message is there under its receipt, each is settled once, fsck finds nothing."""
    chance = random.Random(20260301)
    acknowledged: dict[int, int] = {}
    first = 0
    for number in range(ROUNDS):
        heard = one_round(home, root, tmp_path / "said", first, chance.random() * 0.5)
        acknowledged |= heard
        first = max([first, *acknowledged]) + chance.randrange(1, 40)
        if number % 10 == 9:
            look(home, acknowledged)
    assert len(acknowledged) > ROUNDS
    look(home, acknowledged)


def look(home: Path, acknowledged: dict[int, int]) -> None:
    """What a reader finds after the crash, before and after everything in flight is settled."""
    from feeder import message

    house = open_home(home)
    try:
        kept = {blob: seq for seq, blob in house.store.read("select seq, blob from receipt")}
        lost = [number for number, seq in acknowledged.items() if kept.get(house.vault.address(message(number))) != seq]
        assert lost == []
        before = fsck(house)
        assert before["sound"], before
        process_pending(house)
        after, sums = fsck(house), reconcile(house)
        assert after["sound"], after
        assert after["in_flight"] == 0
        assert sums["balanced"], sums
        assert sums["sources"][0]["mapped"] == len(kept)
    finally:
        house.close()


def test_a_killed_receive_is_finished_by_the_next(home: Path, root: Path, tmp_path: Path) -> None:
    """`trivet receive` of a file, killed at random moments and started again, ends exactly where an undisturbed one ends."""
    sys.path.insert(0, str(root / "tests/faults"))
    from feeder import message

    file = tmp_path / "adt.hl7"
    file.write_bytes(b"".join(message(number) for number in range(3_000)))
    command = [sys.executable, "-m", "trivet.cli.main", "receive", str(file), "--source", "adt", "--home", str(home), "--json"]
    chance = random.Random(7)
    for _ in range(12):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as receiving:
            time.sleep(chance.random() * 4)
            os.killpg(receiving.pid, signal.SIGKILL)
    assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
    twin = tmp_path / "twin"
    init_home(twin, synthetic=True).close()
    add_source(twin, "adt", Source(format="hl7v2", owner="tests"))
    assert subprocess.run([*command[:-3], "--home", str(twin), "--json"], stdout=subprocess.DEVNULL, check=False).returncode == 0
    bodies = []
    for folder in (home, twin):
        house = open_home(folder)
        assert fsck(house)["sound"]
        assert reconcile(house)["balanced"]
        bodies.append(house.store.read("select key, version, body from record_version order by key, version"))
        house.close()
    assert bodies[0] == bodies[1]


def test_two_processes_take_turns(home: Path, root: Path, tmp_path: Path) -> None:
    """Two processes land and settle at the same time in one home: each receipt is settled once, in order, and a rebuild agrees."""
    acknowledged: dict[int, int] = {}
    feeders = []
    for number in range(2):
        said = (tmp_path / f"said{number}").open("wb")
        command = [sys.executable, str(root / "tests/faults/feeder.py"), str(home), str(number * 1_000_000)]
        feeders.append((said, subprocess.Popen(command, stdout=said, stderr=subprocess.PIPE)))
    time.sleep(8)
    for said, feeder in feeders:
        assert feeder.poll() is None
        feeder.kill()
        feeder.communicate()
        said.close()
        lines = [line.split() for line in Path(said.name).read_text().split("\n")[:-1]]
        acknowledged |= {int(number): int(seq) for number, seq in lines}
    assert {number >= 1_000_000 for number in acknowledged} == {True, False}
    look(home, acknowledged)
    house = open_home(home)
    runs = [(entry["notes"]["units"], seq) for seq, entry in house.ledger.find("norm.run")]
    assert sum(int(units) for units, _ in runs) == house.store.read("select count(*) from receipt")[0][0]
    assert rebuild_home(house, repair=False, report=lambda _: None)["same"]
    house.close()
