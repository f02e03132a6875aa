"""The MLLP door of a real home: what is acknowledged is landed, once, and becomes records."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from trivet.flows.receive import process_pending
from trivet.integration.outbound.mllp import MllpSender
from trivet.kernel.clock import FrozenClock
from trivet.wiring.build import init_home, open_home
from trivet.wiring.mllp import open_door
from trivet.wiring.settings import Source, add_source

NOON = FrozenClock("2026-03-01T12:00:00.000000Z")
ADMISSION = (
    b"MSH|^~\\&|ADT|NORTH|EHR|NORTH|20260301||ADT^A01|M1|P|2.5\rPID|1||100^^^NORTH^MR||Ode^Ann||1980|F\rPV1|1|I|||||||||||||||||V1\r"
)


def test_a_message_through_the_door(tmp_path: Path) -> None:
    """Sent twice, landed once, acknowledged both times; the ledger knows it before the answer, and records come of it."""
    home = tmp_path / "home"
    init_home(home, clock=NOON).close()
    add_source(home, "adt", Source(format="hl7v2", door="mllp://127.0.0.1:0"))
    house = open_home(home, clock=NOON)
    woken: list[bool] = []

    async def talk() -> None:
        door = await open_door(house, "adt", urlsplit("mllp://127.0.0.1:0"), lambda: woken.append(True))
        sender = MllpSender(door.host, door.port, seconds=20)
        for _ in range(2):
            assert (await sender.send(ADMISSION)).code == "AA"
            assert len(list(house.ledger.find("raw.received"))) == 1
        await sender.close()
        await door.close()

    try:
        asyncio.run(talk())
        assert woken
        tally = process_pending(house)
        assert tally.states["mapped"] == 1
        assert tally.versions >= 2
    finally:
        house.close()
