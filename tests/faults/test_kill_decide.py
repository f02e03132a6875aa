"""kill -9 at any moment of `decide`: no answer left without its ledger entry, and the tables are what the ledger says."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from office_house import Ward
from trivet.contracts.decision import DecisionRecord
from trivet.governance.decisions import TABLES, replay_decisions


def round_of(folder: Path, root: Path, first: int, lives_for: float) -> list[tuple[str, int, str]]:
    """Start a decider, let it live a little after its first answer, kill it. What it released."""
    command = [sys.executable, str(root / "tests/faults/decider.py"), str(folder), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as decider:
        assert decider.stdout is not None
        heard = decider.stdout.read(1)
        time.sleep(lives_for)
        decider.send_signal(signal.SIGKILL)
        heard += decider.stdout.read()
        if not heard:
            assert decider.stderr is not None
            raise AssertionError(decider.stderr.read().decode())
    return [(line.split()[0], int(line.split()[1]), line.split()[2]) for line in heard.decode().split("\n")[:-1]]


def killed(tmp_path: Path, root: Path, rounds: int, seed: int) -> None:
    """So many deaths of one home, then look."""
    folder, chance, released = tmp_path / "home", random.Random(seed), []
    ward = Ward(folder)
    ward.people()
    ward.bring_live("readmit-gb")
    ward.close()
    for number in range(rounds):
        released += round_of(folder, root, number * 1000, chance.uniform(0.0, 0.25))
    ward = Ward(folder)
    for decision_id, seq, outcome in released:
        entry = ward.ledger.entry(seq)
        assert (entry["kind"], entry["notes"]["id"], entry["notes"]["outcome"]) == ("decision", decision_id, outcome)
        assert DecisionRecord.from_json(ward.vault.get(entry["notes"]["blob"])).decision_id == decision_id
    assert len({decision_id for decision_id, _, _ in released}) == len(released) > rounds
    before = {table: ward.store.read(f"SELECT * FROM {table} ORDER BY {order}") for table, order in TABLES.items()}
    ward.store.write(lambda tx: replay_decisions(tx, ward.vault, ward.ledger))
    assert {table: ward.store.read(f"SELECT * FROM {table} ORDER BY {order}") for table, order in TABLES.items()} == before
    assert ward.store.read("PRAGMA integrity_check") == [("ok",)]
    ward.close()


def test_killed_a_few_times(tmp_path: Path, root: Path) -> None:
    """Four random deaths: every released answer has its entry, its sealed record and its row."""
    killed(tmp_path, root, 4, 11)


@pytest.mark.long
def test_killed_a_hundred_times(tmp_path: Path, root: Path) -> None:
    """The same a hundred times."""
    killed(tmp_path, root, 100, 12)
