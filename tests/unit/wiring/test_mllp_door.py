"""The MLLP door of a real home: what is acknowledged is landed, once, and becomes records."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from trivet.contracts.house import House
from trivet.flows.receive import process_pending
from trivet.integration.inbound.mllp import MllpListener, framed
from trivet.integration.outbound.mllp import MllpSender
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import Usage
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


def result(control: str, ask: str = "", value: str = "many") -> bytes:
    """A result whose number is none, or is one; `ask` fills MSH-15 and MSH-16."""
    return (
        f"MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260301||ORU^R01|{control}|P|2.5{ask}\rPID|1||100^^^NORTH^MR\r"
        f"OBR|1||F1^LAB|1^X^L|||20260301||||||||||||||||||F\rOBX|1|NM|718-7^Hb^LN||{value}|g/dL|||||F\r"
    ).encode()


def at_the_door(
    tmp_path: Path, options: dict[str, Any], talk: Callable[[House, MllpListener], Awaitable[None]]
) -> tuple[dict[str, int], list[str]]:
    """Open a door with these options, talk, settle. Gives the states of the receipts and the events of the ledger."""
    home = tmp_path / "home"
    init_home(home, clock=NOON).close()
    add_source(home, "lab", Source(format="hl7v2", door="mllp://127.0.0.1:0", options=options))
    house = open_home(home, clock=NOON)

    async def run() -> None:
        door = await open_door(house, "lab", urlsplit("mllp://127.0.0.1:0"), lambda: None)
        try:
            async with asyncio.timeout(60):
                await talk(house, door)
        finally:
            await door.close()

    try:
        asyncio.run(run())
        house.store.write(lambda tx: None)  # what was handed to the writer before is durable now
        states = dict(process_pending(house).states)
        return states, [entry["notes"]["kind"] for _, entry in house.ledger.find("source.event")]
    finally:
        house.close()


async def codes(door: MllpListener, message: bytes, count: int) -> list[bytes]:
    """The acknowledgement codes that one message gets."""
    reader, writer = await asyncio.open_connection(door.host, door.port)
    writer.write(framed(message))
    found = []
    for _ in range(count):
        raw = await reader.readuntil(b"\x1c\r")
        found += [line.split(b"|")[1] for line in raw.split(b"\r") if line.startswith(b"MSA")]
    writer.close()
    return found


def test_wrong_content_is_accepted_or_said_as_the_settings_want(tmp_path: Path) -> None:
    """By default AA, and quarantine here; with content_errors AE, after CA in enhanced mode; kept and partial in both cases."""
    for name, options, expected in (
        ("a", {}, [[b"AA"], [b"CA", b"AA"], [b"AA"]]),
        ("b", {"content_errors": "error"}, [[b"AE"], [b"CA", b"AE"], [b"AA"]]),
    ):
        heard: list[list[bytes]] = []

        async def talk(house: House, door: MllpListener, heard: list[list[bytes]] = heard) -> None:
            heard.append(await codes(door, result("1"), 1))
            heard.append(await codes(door, result("2", "|||AL|AL"), 2))
            heard.append(await codes(door, result("3", value="13.2"), 1))
            assert len(list(house.ledger.find("raw.received"))) == 3

        states, events = at_the_door(tmp_path / name, options, talk)
        assert heard == expected
        assert sum(states.values()) == 3
        assert events == []


def test_a_connection_may_be_held_to_one_mode(tmp_path: Path) -> None:
    """`original` gives one code whatever the header asks, `enhanced` two even for a header that asks for nothing."""
    for name, mode, message, expected in (
        ("a", "original", result("1", "|||AL|AL", "1"), [b"AA"]),
        ("b", "enhanced", result("1", "", "1"), [b"CA", b"AA"]),
        ("c", "enhanced", result("1", "|||NE|AL", "1"), [b"AA"]),
    ):

        async def talk(house: House, door: MllpListener, message: bytes = message, expected: list[bytes] = expected) -> None:
            assert await codes(door, message, len(expected)) == expected

        at_the_door(tmp_path / name, {"acknowledge": mode}, talk)


def test_a_control_id_that_comes_again(tmp_path: Path) -> None:
    """The same bytes are acknowledged again and kept once; other bytes under the same id are kept too, and the ledger says so."""

    async def talk(house: House, door: MllpListener) -> None:
        for message in (result("7", value="1"), result("7", value="1"), result("7", value="2")):
            assert await codes(door, message, 1) == [b"AA"]
        other = result("7", value="3").replace(b"|LAB|", b"|XRAY|")
        assert await codes(door, other, 1) == [b"AA"]

    states, events = at_the_door(tmp_path, {}, talk)
    assert states["mapped"] == 3
    assert events == ["control-id-reused"]


def test_words_that_are_no_acknowledgement(tmp_path: Path) -> None:
    """A slip in the settings keeps the door shut and says what is known."""

    async def talk(house: House, door: MllpListener) -> None:
        raise AssertionError("the door must not open")

    with pytest.raises(Usage) as raised:
        at_the_door(tmp_path, {"acknowledge": "always"}, talk)
    assert raised.value.code == "E141"


def test_messages_of_a_patient_settle_in_their_order(tmp_path: Path) -> None:
    """Fifty updates of one patient over one connection: the last one sent is the present state, and every version is kept in order."""

    async def talk(house: House, door: MllpListener) -> None:
        reader, writer = await asyncio.open_connection(door.host, door.port)
        for number in range(50):
            writer.write(framed(ADMISSION.replace(b"|M1|", f"|M{number}|".encode()).replace(b"Ode^Ann", f"Ode{number:02d}^Ann".encode())))
        for number in range(50):
            assert f"|M{number}".encode() in await reader.readuntil(b"\x1c\r")
        writer.close()

    home = tmp_path / "home"
    at_the_door(tmp_path, {}, talk)
    house = open_home(home, clock=NOON)
    try:
        rows = house.store.read("select version, body from record_version where type = 'Patient' order by known_seq")
        assert [version for version, _ in rows] == list(range(1, 51))
        assert [f"Ode{number:02d}" in body for number, (_, body) in enumerate(rows)] == [True] * 50
    finally:
        house.close()
