"""The outbox of a house and the couriers that empty it: one for each destination, alone even among processes.

In: a house. Out: the role `outbox`; couriers that run while `trivet up` does, or once for `trivet outbox send`. Refused: two
processes at one destination, because messages would overtake each other there.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from trivet.contracts.house import House
from trivet.contracts.ports import Tx
from trivet.governance.state import State
from trivet.integration.outbound.courier import Courier, Pace
from trivet.integration.outbound.outbox import Outbox
from trivet.integration.outbound.tables import Destination, read_routing
from trivet.kernel.errors import Locked
from trivet.wiring.occasions import occasion
from trivet.wiring.sinks import open_sink, seat_of
from trivet.wiring.subscribing import KIND, Hands

__all__ = ["Couriers", "couriers", "outbox", "send_now"]


def outbox(house: House) -> Outbox:
    """What must leave the house, with the site's routing table before the shipped one."""
    site = Path(house.home) / "site" / "outbound" / "routing.csv"
    routing = read_routing(site.read_text(encoding="utf-8") if site.is_file() else "")
    listed = tuple(
        Destination(name, tuple(entry["uses"]), entry["withheld"])
        for name, entry in house.settings["destinations"].items()
        if entry["kind"] != KIND
    )

    def stopped(tx: Tx) -> frozenset[str]:
        return frozenset(State(tx.execute).suspensions())

    def everybody(tx: Tx) -> Sequence[Destination]:
        return (*listed, *house.role("subscriptions").listed(tx))

    origin = house.settings["ledger"]["origin"]
    refuses = house.role("access").refuses
    return Outbox(house.store, house.vault, house.ledger, house.clock, routing, everybody, stopped, origin, refuses)


@contextmanager
def alone(house: House, name: str) -> Iterator[None]:
    """Nobody else on this machine delivers to the destination meanwhile; a process that dies lets go. Locked E863 when somebody does."""
    folder = Path(house.home) / "locks"
    folder.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(folder / f"outbox-{name.replace(':', '+')}", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Locked(
            "E863", "another process delivers to this destination", where=name, why="trivet up", help="trivet outbox list"
        ) from None
    finally:
        os.close(handle)


def courier(house: House, name: str, report: Callable[[str], None]) -> Courier:
    """The courier of one destination."""
    entry = house.settings["destinations"][name]
    pace = Pace(first=max(0.05, entry["retry_first"]), most=max(0.05, entry["retry_most"]))
    return Courier(name, house.role("outbox"), house.store, partial(occasion, house), partial(open_sink, house, name), pace, report)


class Couriers:
    """Every destination's courier, each in a thread of its own: what one peer does holds up nobody else."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.running: list[tuple[Courier, threading.Thread]] = []
        self.hands: Hands | None = None

    def start(self, report: Callable[[str], None]) -> None:
        """Begin to deliver."""
        for name, entry in self.house.settings["destinations"].items():
            if entry["kind"] != KIND:
                self.take_on(name, courier(self.house, name, report))
        self.hands = Hands(self.house, self.take_on, report)
        self.hands.start()

    def take_on(self, name: str, one: Courier) -> None:
        """One more courier."""
        thread = threading.Thread(target=self._work, args=(name, one), name=f"outbox-{name}", daemon=True)
        self.running.append((one, thread))
        thread.start()

    def _work(self, name: str, one: Courier) -> None:
        while not one.stopping.is_set():
            try:
                with alone(self.house, name):
                    one.run()
            except Locked:
                one.stopping.wait(1.0)

    def stop(self, seconds: float = 5.0) -> None:
        """Let what is on its way end, but wait for no peer longer than this: what is cut off is sent again under the same key."""
        if self.hands is not None:
            self.hands.stop()
        for one, _ in self.running:
            one.stopping.set()
        for _, thread in self.running:
            thread.join(seconds)
        self.running.clear()

    def close(self) -> None:
        """The same."""
        self.stop()


def couriers(house: House) -> Couriers:
    """The couriers of a house, not yet started."""
    return Couriers(house)


def send_now(house: House, names: Sequence[str], report: Callable[[str], None]) -> list[dict[str, Any]]:
    """Deliver what waits, once, to these destinations or to all; a peer that fails is not waited for. What came of it, for each."""
    told = []
    for name in names or [name for name, entry in house.settings["destinations"].items() if entry["kind"] != KIND]:
        seat_of(house, name)
        with alone(house, name):
            one = courier(house, name, report)
            delivered = one.drain(forever=False)
        waiting = len(house.role("outbox").messages(name, "waiting", limit=1_000_000))
        told.append({"destination": name, "delivered": delivered, "waiting": waiting})
    return told
