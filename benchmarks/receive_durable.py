"""Durable acknowledgements per second through the store, against append + fdatasync of this disk, in the same run.

    python benchmarks/receive_durable.py [--seconds 3] [--dir FOLDER] [--settling] [--json]

One acknowledgement is what `receive` gives for one message: a sealed vault blob of about 1 kB, its receipt-like row and its
ledger entry, committed with synchronous=FULL. The limit is what the same disk does for one writer that appends 4 KiB (what
one commit adds to SQLite's journal is more) and calls fdatasync, measured in turns with the store, so that foreign load hits
both. A ratio of 1.0 for one client means that nothing is lost on the way to the disk. `door_...` is the whole way: a home's MLLP
door in this process, senders in another one, over the loopback, each waiting for its acknowledgement before it sends again. The
senders are one thread with plain sockets and a selector, because they share the processors with the door and are not what is measured.
`door_1_ahead` is one connection whose sender has up to 8 messages under way, each acknowledged by itself, in order, after it is durable. It
is not what most senders do: in original mode, and in release 2 of MLLP, a sender waits for each answer (`door_1_connection`).
`bare_...` is what the same senders get from a process that only appends each message to a file, calls fdatasync once for all that
stand ready, and sends a fixed answer: the limit of a door on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from trivet.contracts.trace import Entry
from trivet.data.engines.sqlite import SQLiteStore
from trivet.data.keyring import KEY_SCHEMA, Keyring
from trivet.data.vault import SealedVault
from trivet.governance.ledger import MerkleLedger
from trivet.wiring.build import init_home, open_home
from trivet.wiring.doors import TURN, Settler
from trivet.wiring.mllp import open_door
from trivet.wiring.rooms import schema
from trivet.wiring.settings import Source, add_source

AHEAD = 8  # messages that a sender has under way if it does not wait for each answer
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

    def __init__(self, folder: Path, settling: bool) -> None:
        init_home(folder, synthetic=True).close()
        add_source(folder, "lab", Source(format="hl7v2", owner="benchmark", door="mllp://127.0.0.1:0"))
        self.house = open_home(folder)
        self.settler = Settler(self.house, print) if settling else None
        if self.settler is not None:
            sys.setswitchinterval(TURN)
            self.settler.start(lambda: None)
        self.loop, self.ready = asyncio.new_event_loop(), threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        self.ready.wait()

    def serve(self) -> None:
        """Until `close`."""
        asyncio.set_event_loop(self.loop)
        wake = self.settler.wake if self.settler is not None else lambda: None
        self.door = self.loop.run_until_complete(open_door(self.house, "lab", urlsplit("mllp://127.0.0.1:0"), wake))
        self.ready.set()
        self.loop.run_forever()
        self.loop.run_until_complete(self.door.close())

    def run(self, connections: int, seconds: float, first: int, ahead: int = 1) -> list[float]:
        """Seconds each acknowledgement took, as the senders saw it."""
        return sent_to(self.door.port, connections, seconds, first, ahead)

    def close(self) -> None:
        """End everything."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        if self.settler is not None:
            self.settler.stop()
        self.house.close()


def sent_to(port: int, connections: int, seconds: float, first: int, ahead: int = 1) -> list[float]:
    """`send` in a process of its own."""
    command = [sys.executable, __file__, "--send", *map(str, (port, connections, seconds, first, ahead))]
    return [float(word) for word in subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()]


def send(port: int, connections: int, seconds: float, first: int, ahead: int) -> list[float]:
    """Closed-loop senders over MLLP, each with so many messages under way."""
    took: list[float] = []
    lines = [Line(port, first + place * 10_000_000) for place in range(connections)]
    ready = selectors.EpollSelector()
    for line in lines:
        ready.register(line.socket, selectors.EVENT_READ, line)
    until = time.perf_counter() + seconds
    for line in lines:
        line.send(ahead)
    under_way = connections * ahead
    while under_way:
        for key, _ in ready.select():
            line = key.data
            answered = line.answered()
            now = time.perf_counter()
            took += [now - sent for sent in answered]
            if not answered:
                continue
            if now < until:
                line.send(len(answered))
            else:
                under_way -= len(answered)
    return took


class Line:
    """One connection of a sender."""

    def __init__(self, port: int, number: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number, self.got = number, b""
        self.sent: deque[tuple[int, float]] = deque()  # number and moment of what is not answered

    def send(self, count: int) -> None:
        """The next messages."""
        frames = []
        for _ in range(count):
            self.number += 1
            self.sent.append((self.number, time.perf_counter()))
            frames.append(b"\x0b" + MESSAGE % self.number + b"\x1c\r")
        self.socket.sendall(b"".join(frames))

    def answered(self) -> list[float]:
        """When the messages were sent that are answered now. Only a positive answer to the oldest of them counts."""
        part = self.socket.recv(65_536)
        if not part:
            raise SystemExit("closed")
        *answers, self.got = (self.got + part).split(b"\x1c\r")
        moments = []
        for answer in answers:
            number, moment = self.sent.popleft()
            if b"MSA|AA|%d" % number not in answer:
                raise SystemExit("not acknowledged")
            moments.append(moment)
        return moments


class Bare:
    """The least a door must do: take what stands ready, append it, one fdatasync for all, answer. In a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self.file = os.open(folder / "bare", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listening.getsockname()[1]
        self.ready = selectors.EpollSelector()
        self.ready.register(self.listening, selectors.EVENT_READ)
        self.ending = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        """Until `close`."""
        while not self.ending:
            taken = []
            for key, _ in self.ready.select(0.1):
                if key.fileobj is self.listening:
                    self.ready.register(self.listening.accept()[0], selectors.EVENT_READ)
                    continue
                line = cast(socket.socket, key.fileobj)
                frame = line.recv(65_536)  # as much as one frame, because the sender waits
                if frame:
                    os.write(self.file, frame)
                    taken.append((line, frame.split(b"|", 10)[9]))
                else:
                    self.ready.unregister(line)
                    line.close()
            if taken:
                os.fdatasync(self.file)
            for line, control in taken:
                line.sendall(b"\x0bMSH|^~\\&|||||20260301||ACK|1|P|2.5.1\rMSA|AA|" + control + b"\r\x1c\r")

    def close(self) -> None:
        """End."""
        self.ending = True
        self.thread.join()
        self.listening.close()
        os.close(self.file)


def told(took: list[float], seconds: float) -> dict[str, float]:
    """Rate and latencies in milliseconds."""
    cuts = statistics.quantiles(took, n=100)
    return {"per_second": round(len(took) / seconds, 1), "p50_ms": round(cuts[49] * 1000, 3), "p99_ms": round(cuts[98] * 1000, 3)}


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--dir", type=Path, default=None)
    parser.add_argument("--settling", action="store_true", help="the home settles meanwhile what came in, as `trivet up` does")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--send", nargs=5, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.send:
        port, connections, seconds, first, ahead = given.send
        print(*send(int(port), int(connections), float(seconds), int(first), int(ahead)))
        return
    turn = given.seconds / 3
    with tempfile.TemporaryDirectory(dir=given.dir) as name:
        folder = Path(name)
        door, entrance, bare = Door(folder), Entrance(folder / "home", given.settling), Bare(folder)
        entrance.run(4, 0.3, 2_000_000_000_000)
        door.run(8, 0.3, 2_000_000_000_000)
        limit: list[float] = []
        one: list[float] = []
        many: list[float] = []
        far: list[float] = []
        ahead: list[float] = []
        crowd: list[float] = []
        bare_far: list[float] = []
        bare_crowd: list[float] = []
        for number in range(3):
            limit += disk(folder, turn)
            one += door.run(1, turn, 1_000_000_000_000 * (number + 3))
            many += door.run(64, turn, 1_000_000_000_000 * (number + 6))
            far += entrance.run(1, turn, 1_000_000_000_000 * (number + 3))
            ahead += entrance.run(1, turn, 1_000_000_000_000 * (number + 9), AHEAD)
            crowd += entrance.run(64, turn, 1_000_000_000_000 * (number + 6))
            bare_far += sent_to(bare.port, 1, turn, 1_000_000_000_000 * (number + 3))
            bare_crowd += sent_to(bare.port, 64, turn, 1_000_000_000_000 * (number + 6))
        entrance.close()
        bare.close()
        door.store.close()
        door.keys.close()
    answer = {
        "limit_append_fdatasync": told(limit, given.seconds),
        "store_1_client": told(one, given.seconds),
        "store_64_clients": told(many, given.seconds),
        "door_1_connection": told(far, given.seconds),
        "door_1_ahead": told(ahead, given.seconds),
        "door_64_connections": told(crowd, given.seconds),
        "bare_1_connection": told(bare_far, given.seconds),
        "bare_64_connections": told(bare_crowd, given.seconds),
    }
    rate = answer["limit_append_fdatasync"]["per_second"]
    answer["ratio"] = {"1_client": round(answer["store_1_client"]["per_second"] / rate, 3)}
    for name in ("store_64_clients", "door_1_connection", "door_1_ahead", "door_64_connections"):
        answer["ratio"][name.removeprefix("store_")] = round(answer[name]["per_second"] / rate, 3)
    for size in ("1_connection", "64_connections"):
        answer["ratio"][f"door_to_bare_{size}"] = round(answer[f"door_{size}"]["per_second"] / answer[f"bare_{size}"]["per_second"], 3)
    if given.json:
        print(json.dumps(answer))
        return
    for label, values in answer.items():
        print(f"{label:24}" + "  ".join(f"{key} {value}" for key, value in values.items()))


if __name__ == "__main__":
    main()
