"""A process to be killed: lands small HL7 v2 messages one by one and settles them meanwhile, and says each acknowledgement aloud.

    python feeder.py HOME FIRST

Every line on standard output is one message that was acknowledged: its number and its receipt. It is written only after the
receipt is durable, as an acknowledgement to a sender would be.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from concurrent.futures import Future
from pathlib import Path

from trivet.contracts.envelope import Envelope, Receipt
from trivet.flows.receive import accept, process_pending
from trivet.wiring.build import open_home

AT_ONCE = 32


def message(number: int) -> bytes:
    """An admission of a patient who exists only here."""
    person = number % 97
    lines = [
        f"MSH|^~\\&|ADT|HOSP|TRIVET|HOSP|20260301{number % 24:02d}0000||ADT^A01^ADT_A01|M{number:08d}|P|2.5.1",
        f"EVN|A01|20260301{number % 24:02d}0000",
        f"PID|1||{person:06d}^^^HOSP^MR||TESTCASE{person}^PAT||19{person % 90 + 10:02d}0101|F",
        f"PV1|1|I|W{person % 7}^1^1^HOSP||||||||||||||||V{number:08d}|||||||||||||||||||||||||20260301{number % 24:02d}0000",
    ]
    return "\r".join(lines).encode() + b"\r"


def main() -> None:
    """Land and settle until killed."""
    house = open_home(Path(sys.argv[1]))
    number = int(sys.argv[2])
    settling = threading.Thread(target=settle, args=(house,), daemon=True)
    settling.start()
    waiting: deque[tuple[int, Future[Receipt]]] = deque()
    while True:
        waiting.append((number, accept(house, Envelope(message(number), "adt", "hl7v2", house.clock.now()))))
        number += 1
        if len(waiting) >= AT_ONCE:
            said, future = waiting.popleft()
            os.write(1, f"{said} {future.result().seq}\n".encode())


def settle(house: object) -> None:
    """Bring to its end what is in flight, again and again."""
    while True:
        process_pending(house)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
