"""kill -9 while two processes land and append to one home: nothing acknowledged is lost, nothing forks, everything proves."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trivet.data.engines.sqlite import SQLiteStore
from trivet.data.keyring import KEY_SCHEMA, Keyring, create_master, read_master
from trivet.data.vault import SealedVault
from trivet.governance.audit import audit
from trivet.governance.checkpoints import Checkpointer, create_signing_key, read_signing_key
from trivet.governance.ledger import MerkleLedger
from trivet.governance.verify import pack, unpack, verify
from trivet.kernel.clock import SystemClock
from trivet.kernel.digest import commitment
from trivet.kernel.merkle import leaf_hash
from trivet.wiring.rooms import schema

WRITER = """
import os, sys, threading
from pathlib import Path
from trivet.contracts.trace import Entry
from test_ledger_killed import Parts
parts = Parts(Path(sys.argv[1]))
name, lock = sys.argv[2], threading.Lock()

def land(number, thread):
    data = f"{name}/{thread}/{number}/".encode() * (1 + number % 7 + (5000 if number % 97 == 0 else 0))
    data += os.urandom(80_000) if number % 97 == 0 else b""
    holder = f"person:{number % 5}" if number % 3 else "source:lab"
    def work(tx):
        blob = parts.vault.put(tx, data, holder=holder, kind="raw")
        entry = Entry("raw.received", "2026-03-01T00:00:00Z", commitments={"raw": parts.vault.commit(blob)}, notes={"blob": blob})
        extra = [Entry("link", "2026-03-01T00:00:00Z")] * (number % 4)
        return blob, parts.ledger.append(tx, [entry, *extra])[0]
    return parts.store.submit(work)

def run(thread):
    number = 0
    while True:
        futures = [land(number + at, thread) for at in range(1 + number % 5)]
        number += len(futures)
        for future in futures:
            blob, place = future.result()
            with lock:
                os.write(1, f"{place.seq} {place.leaf} {blob}\\n".encode())
        if thread == 0 and number % 20 == 0:
            parts.desk.sign()

for thread in range(4):
    threading.Thread(target=run, args=(thread,), daemon=True).start()
threading.Event().wait(60)
"""


class Parts:
    """Store, vault, ledger and checkpoints of one folder."""

    def __init__(self, folder: Path) -> None:
        self.store = SQLiteStore(folder / "home.db", schema())
        self.keys = SQLiteStore(folder / "keys.db", KEY_SCHEMA)
        self.vault = SealedVault(self.store, Keyring(self.keys, read_master(folder / "master.key")), folder / "vault")
        self.ledger = MerkleLedger(self.store)
        self.desk = Checkpointer(self.ledger, self.store, read_signing_key(folder / "checkpoint.key", "test/log"), SystemClock())

    def close(self) -> None:
        """Close both files."""
        self.store.close()
        self.keys.close()


def start(folder: Path, name: str, acks: Path) -> subprocess.Popen[bytes]:
    """A writer whose acknowledgements go straight to a file."""
    with acks.open("ab") as out:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
        return subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name], stdout=out, stderr=subprocess.PIPE, env=environment)


def storm(folder: Path, rounds: int, seed: int) -> int:
    """Rounds of two writers killed at a random moment; after each, everything is checked. Gives the acknowledgements seen."""
    generator = random.Random(seed)
    create_master(folder / "master.key")
    create_signing_key(folder / "checkpoint.key", "test/log")
    Parts(folder).close()
    acks, seen, size = folder / "acks", 0, 0
    for number in range(rounds):
        acks.write_bytes(b"")
        writers = [start(folder, f"{number}-{one}", acks) for one in range(2)]
        until = time.monotonic() + 20
        while acks.stat().st_size == 0 and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(generator.uniform(0, 0.25))
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
        for writer in writers:
            writer.wait()
            assert writer.stderr is not None
            assert writer.stderr.read() == b""
        lines = acks.read_bytes().split(b"\n")[:-1]
        seen += len(lines)
        size = check(folder, [line.decode().split() for line in lines], size)
    return seen


def check(folder: Path, acknowledged: list[list[str]], before: int) -> int:
    """Every acknowledged position holds that very entry and its blob; the log grew and audits clean. Gives its size."""
    parts = Parts(folder)
    for seq, leaf, blob in acknowledged:
        body = parts.ledger.body(int(seq))
        assert leaf_hash(body).hex() == leaf
        assert parts.ledger.entry(int(seq))["notes"]["blob"] == blob
        assert commitment(parts.vault.opening(blob), "raw", parts.vault.get(blob)) == parts.ledger.entry(int(seq))["commitments"]["raw"]
    assert len({line[0] for line in acknowledged}) == len(acknowledged)
    size = parts.ledger.size()
    assert size >= before
    for _, entry in parts.ledger.find("raw.received", before - 1):
        parts.vault.get(entry["notes"]["blob"])
    assert parts.ledger.writable()
    parts.desk.sign()
    report = audit(parts.ledger, parts.store, parts.desk.all(), [parts.desk.signer.verifier])
    assert report.problems == []
    assert parts.store.read("PRAGMA integrity_check") == [("ok",)]
    parts.close()
    return size


def test_a_few_rounds(tmp_path: Path) -> None:
    """Two rounds with every change; the long run below is the proof."""
    assert storm(tmp_path, 2, 1) > 0


@pytest.mark.long
def test_a_hundred_and_twenty_rounds(tmp_path: Path) -> None:
    """120 rounds of two processes killed at random: zero lost acknowledgements, zero forks, every audit clean."""
    assert storm(tmp_path, 120, 20260301) > 5_000


@pytest.mark.long
def test_every_single_byte_of_a_dossier(tmp_path: Path) -> None:
    """No byte of the file can be changed, wherever it stands, and no byte of a member behind a clean archive."""
    from case import Case
    from trivet.flows.dossier import dossier

    case = Case(tmp_path).open()
    answer = case.ask()
    case.happened("display", answer.seq)
    data = dossier(case.house, answer.decision_id)["data"]
    case.close()
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :]
        assert any(line.state == "FAIL" for line in verify(changed, [])), place
    members = list(unpack(data).items())
    for number, (name, old) in enumerate(members):
        for place in range(0, len(old), 1 if len(old) < 2_000 else 37):
            new = old[:place] + bytes([old[place] ^ (1 << place % 8)]) + old[place + 1 :]
            archive = pack([*members[:number], (name, new), *members[number + 1 :]])
            assert any(line.state == "FAIL" for line in verify(archive, [])), (name, place)
