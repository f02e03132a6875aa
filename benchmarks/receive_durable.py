"""Durable acknowledgements per second through the store, against append + fdatasync of this disk, in the same run.

    python benchmarks/receive_durable.py [--seconds 3] [--dir FOLDER] [--json]

One acknowledgement is what `receive` gives for one message: a sealed vault blob of about 1 kB, its receipt-like row and its
ledger entry, committed with synchronous=FULL. The limit is what the same disk does for one writer that appends 4 KiB (what
one commit adds to SQLite's journal is more) and calls fdatasync, measured in turns with the store, so that foreign load hits
both. A ratio of 1.0 for one client means that nothing is lost on the way to the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

from trivet.contracts.trace import Entry
from trivet.data.engines.sqlite import SQLiteStore
from trivet.data.keyring import KEY_SCHEMA, Keyring
from trivet.data.vault import SealedVault
from trivet.governance.ledger import MerkleLedger
from trivet.wiring.rooms import schema

AT = "2026-03-01T00:00:00.000000Z"
MESSAGE = b"MSH|^~\\&|LAB|NORTH|TRIVET|NORTH|20260301||ORU^R01|%d|P|2.5.1\r" + b"OBX|1|NM|GLU^Glucose||5.4|mmol/L|||||F\r" * 24


def disk(folder: Path, seconds: float) -> list[float]:
    """Seconds each append of 4 KiB with fdatasync took."""
    took, block = [], os.urandom(4096)
    handle = os.open(folder / "append", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    until = time.perf_counter() + seconds
    while (start := time.perf_counter()) < until:
        os.write(handle, block)
        os.fdatasync(handle)
        took.append(time.perf_counter() - start)
    os.close(handle)
    return took


class Door:
    """What takes messages: store, vault, ledger."""

    def __init__(self, folder: Path) -> None:
        self.store = SQLiteStore(folder / "home.db", schema())
        self.keys = SQLiteStore(folder / "keys.db", KEY_SCHEMA)
        self.vault = SealedVault(self.store, Keyring(self.keys, bytes(32)), folder / "vault")
        self.ledger = MerkleLedger(self.store)

    def take(self, number: int) -> None:
        """One message, acknowledged when this returns."""

        def work(tx):  # type: ignore[no-untyped-def]
            blob = self.vault.put(tx, MESSAGE % number, holder="source:lab", kind="raw")
            notes = {"source": "lab", "format": "hl7v2", "blob": blob}
            self.ledger.append(tx, [Entry("raw.received", AT, commitments={"raw": self.vault.commit(blob)}, notes=notes)])

        self.store.write(work)

    def run(self, clients: int, seconds: float, first: int) -> list[float]:
        """Seconds each acknowledgement took, for closed-loop clients."""
        took: list[list[float]] = [[] for _ in range(clients)]
        until = time.perf_counter() + seconds

        def client(place: int) -> None:
            number = first + place * 10_000_000
            while (start := time.perf_counter()) < until:
                self.take(number)
                took[place].append(time.perf_counter() - start)
                number += 1

        threads = [threading.Thread(target=client, args=(place,)) for place in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [one for place in took for one in place]


def told(took: list[float], seconds: float) -> dict[str, float]:
    """Rate and latencies in milliseconds."""
    cuts = statistics.quantiles(took, n=100)
    return {"per_second": round(len(took) / seconds, 1), "p50_ms": round(cuts[49] * 1000, 3), "p99_ms": round(cuts[98] * 1000, 3)}


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--dir", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    turn = given.seconds / 3
    with tempfile.TemporaryDirectory(dir=given.dir) as name:
        folder = Path(name)
        door = Door(folder)
        door.run(8, 0.3, 2_000_000_000_000)
        limit: list[float] = []
        one: list[float] = []
        many: list[float] = []
        for number in range(3):
            limit += disk(folder, turn)
            one += door.run(1, turn, 1_000_000_000_000 * (number + 3))
            many += door.run(64, turn, 1_000_000_000_000 * (number + 6))
        door.store.close()
        door.keys.close()
    answer = {
        "limit_append_fdatasync": told(limit, given.seconds),
        "store_1_client": told(one, given.seconds),
        "store_64_clients": told(many, given.seconds),
    }
    rate = answer["limit_append_fdatasync"]["per_second"]
    answer["ratio"] = {"1_client": round(answer["store_1_client"]["per_second"] / rate, 3)}
    answer["ratio"]["64_clients"] = round(answer["store_64_clients"]["per_second"] / rate, 3)
    if given.json:
        print(json.dumps(answer))
        return
    for label, values in answer.items():
        print(f"{label:24}" + "  ".join(f"{key} {value}" for key, value in values.items()))


if __name__ == "__main__":
    main()
