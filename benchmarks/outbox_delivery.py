"""Deliveries per second out of the outbox, against the same bytes over a bare socket to the same peer, and against this disk.

    python benchmarks/outbox_delivery.py [--messages 1000] [--dir FOLDER] [--json]

One delivery is what `trivet up` does for one message at one destination: the bytes are made and sealed, `sent` is durable, the message is
handed over on one connection, its acknowledgement is awaited and written down with the next `sent`. The peer is an MLLP listener in a
process of its own that answers at once. The bare socket sends the same frames to it one by one and reads the answers: nothing is kept. The
disk is append + fdatasync of 4 KiB, the least that one durable commit can cost.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from trivet.contracts.decision import DecisionRecord
from trivet.contracts.outgoing import Occasion, Seat
from trivet.contracts.prediction import ModelRef, Prediction
from trivet.contracts.trace import Entry
from trivet.data.engines.sqlite import SQLiteStore
from trivet.data.keyring import KEY_SCHEMA, Keyring
from trivet.data.vault import SealedVault
from trivet.governance.ledger import MerkleLedger
from trivet.integration.outbound.courier import Courier, Pace
from trivet.integration.outbound.oru import OruSink
from trivet.integration.outbound.outbox import Message, Outbox
from trivet.integration.outbound.tables import Destination, read_routing
from trivet.kernel.clock import SystemClock
from trivet.wiring.rooms import schema

AT = "2026-03-01T08:00:00.000000Z"
MODEL = ModelRef("readmit-gb", "1", "a" * 64)
PATIENT = {"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": "77"}], "name": [{"family": "One"}]}
PEER = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    held = b""
    while got := connection.recv(65536):
        held += got
        while b"\\x1c\\r" in held:
            frame, held = held.split(b"\\x1c\\r", 1)
            control = frame.split(b"|", 10)[9]
            connection.sendall(b"\\x0bMSH|^~\\\\&|P||T||20260301||ACK|1|P|2.5.1\\rMSA|AA|" + control + b"\\r\\x1c\\r")
"""


def disk(folder: Path, count: int) -> float:
    """Appends of 4 KiB with fdatasync a second."""
    handle, block = os.open(folder / "append", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), os.urandom(4096)
    start = time.perf_counter()
    for _ in range(count):
        os.write(handle, block)
        os.fdatasync(handle)
    took = time.perf_counter() - start
    os.close(handle)
    return count / took


def bare(port: int, bodies: list[bytes]) -> float:
    """Messages a second over a bare socket, each answered before the next."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = time.perf_counter()
        for body in bodies:
            connection.sendall(b"\x0b" + body + b"\x1c\r")
            held = b""
            while b"\x1c\r" not in held:
                held += connection.recv(65536)
        return len(bodies) / (time.perf_counter() - start)


def main() -> None:
    """Queue, deliver, compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--dir", default="")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=given.dir or None) as name,
        subprocess.Popen([sys.executable, "-c", PEER], stdout=subprocess.PIPE) as peer,
    ):
        folder = Path(name)
        assert peer.stdout is not None
        port = int(peer.stdout.readline())
        store, keys = SQLiteStore(folder / "home.db", schema()), SQLiteStore(folder / "keys.db", KEY_SCHEMA)
        vault, ledger = SealedVault(store, Keyring(keys, bytes(32)), folder / "vault"), MerkleLedger(store)
        to = Destination("ehr", ("*",))
        outbox = Outbox(store, vault, ledger, SystemClock(), read_routing(), lambda tx: (to,), lambda tx: frozenset(), "benchmark")

        def queue(number: int) -> None:
            said = Prediction(MODEL, 0.25, "3fd0000000000000", "high", 0.2, (("stays", 0.5, "points"),))
            names = (f"D-{number:06d}", "readmission", f"p-{number % 97}", AT, AT, 0, "north", "clinician", "treatment", "scored", "active")
            record = DecisionRecord(*names, None, (), MODEL, prediction=said)

            def work(tx):  # type: ignore[no-untyped-def]
                blob = vault.put(tx, record.to_json(), holder=f"person:{record.person}", kind="decision")
                entry = Entry("decision", AT, commitments={"record": vault.commit(blob)}, notes={"id": record.decision_id, "blob": blob})
                outbox.put(tx, record, ledger.append(tx, [entry])[0].seq)

            store.write(work)

        def tell(message: Message, record: DecisionRecord) -> Occasion:
            names = (message.destination, message.number, message.key, message.event, message.status, message.thread, message.earlier)
            return Occasion(*names, message.at, "north", record, "Back?", "score", (PATIENT,))

        seat = Seat("ehr", f"mllp://127.0.0.1:{port}", "north", 30.0, {"patient_system": "urn:mrn"})
        courier = Courier("ehr", outbox, store, tell, lambda: OruSink(seat), Pace(), print)
        for number in range(given.messages):
            queue(number)
        start = time.perf_counter()
        delivered = courier.drain(forever=False)
        out = delivered / (time.perf_counter() - start)
        assert delivered == given.messages
        bodies = [outbox.body(message) for message in outbox.messages("ehr", limit=given.messages)]
        plain, synced = bare(port, bodies), disk(folder, given.messages)
        peer.kill()
        store.close()
        keys.close()
    told = {"messages": delivered, "outbox": round(out), "bare_socket": round(plain), "disk": round(synced)}
    told |= {"of_bare_socket": round(out / plain, 3), "of_disk": round(out / synced, 2)}
    if given.json:
        print(json.dumps(told))
        return
    print(f"outbox       {out:8.0f} deliveries/s, each on record and durable before and after")
    print(f"bare socket  {plain:8.0f} /s, nothing kept: the outbox does {out / plain:.3f} of it")
    print(f"disk         {synced:8.0f} appends + fdatasync/s: the outbox does {out / synced:.2f} of it")


if __name__ == "__main__":
    main()
