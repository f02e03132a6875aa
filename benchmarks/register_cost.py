"""What does the interface register cost, against the work of receiving the same messages without it, in the same run?

    python benchmarks/register_cost.py [--messages 2000] [--rounds 3] [--json]

CPU seconds of this process (translate, normalise, pack, link, shelve, settle: everything behind the durable landing), for one laboratory
feed of the sample hospital's shape, in turns with the register and without it (no traffic is observed, and nothing of it is written).
The peer is the receiving itself: the ratio is what a feed pays for documenting itself.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trivet.data.parcel as parcels
from trivet.contracts.traffic import NO_TRAFFIC
from trivet.flows.receive import Delivery, receive
from trivet.kernel.clock import FrozenClock
from trivet.wiring.build import init_home

AT = "2026-03-01T08:00:00.000000Z"
OBSERVE = parcels.observe


def message(number: int) -> bytes:
    """One result message with eight results of about 1.2 kB."""
    head = (
        f"MSH|^~\\&|LAB|NORTH|TRIVET|NORTH|20260301080000||ORU^R01^ORU_R01|{number}|P|2.5.1\r"
        f"PID|1||{number % 500:06d}^^^NORTH^MR||Doe{number % 500}^Ann^Q||19600101|F|||1 Way^^River^OR^97001||5550177642\r"
        f"PV1|1|I|W{number % 9}^1^1^NORTH||||1234^Smith^Jo|||MED||||||||V{number}|||||||||||||||||||||||||20260301070000\r"
        f"OBR|1||A{number}|CBC^Blood count^99LAB|||20260301073000||||||||||||||||||F\r"
    )
    results = (
        f"OBX|{place}|NM|C{place}^Result {place}^99LAB||{place}.{number % 97}|mmol/L|1.0-9.0|N|||F|||20260301073000\r"
        for place in range(1, 9)
    )
    return (head + "".join(results)).encode()


def once(feed: bytes, observe: Callable[..., Any]) -> float:
    """CPU seconds of one reception of the feed into an empty home."""
    parcels.observe = observe
    with tempfile.TemporaryDirectory() as folder:
        house = init_home(Path(folder) / "home", clock=FrozenClock(AT))
        house.settings["receive"]["workers"] = -1  # everything in this process, so that its CPU time is all there is
        started = time.process_time()
        receive(house, [Delivery(feed, "lab", "hl7v2", "f.hl7")])
        spent = time.process_time() - started
        fields = house.store.read("select count(*) from register_day")[0][0]
        house.close()
    parcels.observe = OBSERVE
    assert bool(fields) == (observe is OBSERVE)
    return spent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    feed = b"".join(message(number) for number in range(given.messages))
    once(feed[: len(feed) // 10], OBSERVE)
    without, with_it = [], []
    for _ in range(given.rounds):
        without.append(once(feed, lambda *_: NO_TRAFFIC))
        with_it.append(once(feed, OBSERVE))
    low, high = statistics.median(without), statistics.median(with_it)
    answer = {"messages": given.messages, "cpu_without": low, "cpu_with": high, "ratio": high / low}
    print(
        json.dumps(answer)
        if given.json
        else f"{given.messages} messages: {low:.2f} s CPU without the register, {high:.2f} s with it: ratio {high / low:.3f}"
    )


if __name__ == "__main__":
    main()
