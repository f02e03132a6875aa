"""The register in the console: every page is made from real traffic and a real export, and shows no mark."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from feed import MARK, message
from trivet.console.app import build_app
from trivet.flows.receive import Delivery, receive
from trivet.kernel.clock import FrozenClock
from trivet.wiring.build import init_home
from trivet.wiring.exporting import import_exports


def test_the_register_has_pages(tmp_path: Path) -> None:
    """A feed's register and the list of interfaces answer with what they are about; a feed nobody knows is not found; no mark anywhere."""
    house = init_home(tmp_path / "home", clock=FrozenClock("2026-03-01T08:00:00.000000Z"))
    receive(house, [Delivery(b"".join(message(number) for number in range(12)), "lab", "hl7v2", "f.hl7")])
    export = tmp_path / "channel.xml"
    export.write_text('<channel version="3.6.0"><id>1</id><name>Lab in</name><description/></channel>')
    import_exports(house, [export])
    said: dict[str, tuple[int, str]] = {}

    async def look() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(build_app(house)), base_url="http://console") as client:
            for address in (
                "/sources/lab/register",
                "/sources/lab/register.json",
                "/register",
                "/register.json",
                "/sources/nobody/register",
            ):
                answer = await client.get(address)
                said[address] = (answer.status_code, answer.text)

    asyncio.run(look())
    house.close()
    assert {address: status for address, (status, _) in said.items() if status != 200} == {"/sources/nobody/register": 404}
    page = said["/sources/lab/register"][1]
    assert page.index(">MSH-2<") < page.index(">MSH-10<")
    assert "mmol/L" in page
    assert "Lab in" in said["/register"][1]
    assert "no-description" in said["/register"][1]
    assert not [address for address, (_, text) in said.items() if MARK in text]
