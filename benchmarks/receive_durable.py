"""Durable acknowledgements per second through the store, against append + fdatasync of this disk, in the same run.

    python benchmarks/receive_durable.py [--seconds 3] [--dir FOLDER] [--json]

One acknowledgement is what `receive` gives for one message: a sealed vault blob of about 1 kB, its receipt-like row and its
ledger entry, committed with synchronous=FULL. The limit is what the same disk does for one writer that appends 4 KiB (what
one commit adds to SQLite's journal is more) and calls fdatasync, measured in turns with the store, so that foreign load hits
both. A ratio of 1.0 for one client means that nothing is lost on the way to the disk. `door_...` is the whole way: a home's MLLP
door in this process, senders in another one, over the loopback, each waiting for its acknowledgement before it sends again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from trivet.contracts.trace import Entry
from trivet.data.engines.sqlite import SQLiteStore
from trivet.data.keyring import KEY_SCHEMA, Keyring
from trivet.data.vault import SealedVault
from trivet.governance.ledger import MerkleLedger
from trivet.wiring.build import init_home, open_home
from trivet.wiring.mllp import open_door
from trivet.wiring.rooms import schema
from trivet.wiring.settings import Source, add_source

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


class Entrance:
    """A home with an open MLLP door, served by a thread of its own."""

    def __init__(self, folder: Path) -> None:
        init_home(folder, synthetic=True).close()
        add_source(folder, "lab", Source(format="hl7v2", owner="benchmark", door="mllp://127.0.0.1:0"))
        self.house = open_home(folder)
        self.loop, self.ready = asyncio.new_event_loop(), threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        self.ready.wait()

    def serve(self) -> None:
        """Until `close`."""
        asyncio.set_event_loop(self.loop)
        self.door = self.loop.run_until_complete(open_door(self.house, "lab", urlsplit("mllp://127.0.0.1:0"), lambda: None))
        self.ready.set()
        self.loop.run_forever()
        self.loop.run_until_complete(self.door.close())

    def run(self, connections: int, seconds: float, first: int) -> list[float]:
        """Seconds each acknowledgement took, as the senders saw it."""
        command = [sys.executable, __file__, "--send", str(self.door.port), str(connections), str(seconds), str(first)]
        return [float(word) for word in subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()]

    def close(self) -> None:
        """End everything."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.house.close()


async def send(port: int, connections: int, seconds: float, first: int) -> list[float]:
    """Closed-loop senders over MLLP."""
    took: list[float] = []

    async def one(place: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        number, until = first + place * 10_000_000, time.perf_counter() + seconds
        while (start := time.perf_counter()) < until:
            writer.write(b"\x0b" + MESSAGE % number + b"\x1c\r")
            answer = await reader.readuntil(b"\x1c\r")
            if b"MSA|AA|%d" % number not in answer:
                raise SystemExit("not acknowledged")
            took.append(time.perf_counter() - start)
            number += 1
        writer.close()

    await asyncio.gather(*(one(place) for place in range(connections)))
    return took


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
    parser.add_argument("--send", nargs=4, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.send:
        port, connections, seconds, first = given.send
        print(*asyncio.run(send(int(port), int(connections), float(seconds), int(first))))
        return
    turn = given.seconds / 3
    with tempfile.TemporaryDirectory(dir=given.dir) as name:
        folder = Path(name)
        door, entrance = Door(folder), Entrance(folder / "home")
        entrance.run(4, 0.3, 2_000_000_000_000)
        door.run(8, 0.3, 2_000_000_000_000)
        limit: list[float] = []
        one: list[float] = []
        many: list[float] = []
        far: list[float] = []
        crowd: list[float] = []
        for number in range(3):
            limit += disk(folder, turn)
            one += door.run(1, turn, 1_000_000_000_000 * (number + 3))
            many += door.run(64, turn, 1_000_000_000_000 * (number + 6))
            far += entrance.run(1, turn, 1_000_000_000_000 * (number + 3))
            crowd += entrance.run(64, turn, 1_000_000_000_000 * (number + 6))
        entrance.close()
        door.store.close()
        door.keys.close()
    answer = {
        "limit_append_fdatasync": told(limit, given.seconds),
        "store_1_client": told(one, given.seconds),
        "store_64_clients": told(many, given.seconds),
        "door_1_connection": told(far, given.seconds),
        "door_64_connections": told(crowd, given.seconds),
    }
    rate = answer["limit_append_fdatasync"]["per_second"]
    answer["ratio"] = {"1_client": round(answer["store_1_client"]["per_second"] / rate, 3)}
    for name in ("store_64_clients", "door_1_connection", "door_64_connections"):
        answer["ratio"][name.removeprefix("store_")] = round(answer[name]["per_second"] / rate, 3)
    if given.json:
        print(json.dumps(answer))
        return
    for label, values in answer.items():
        print(f"{label:24}" + "  ".join(f"{key} {value}" for key, value in values.items()))


if __name__ == "__main__":
    main()
