"""A decision about a person who is erased, through the command line and the console: it says so, and nothing else changes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from tests.walk.test_account_walk import MIND, run
from tests.walk.test_decide_walk import asked, home  # noqa: F401 - the fixture

from trivet.console.app import build_app
from trivet.flows.receive import Delivery, receive
from trivet.wiring.build import open_home


def test_an_erased_decision_says_so(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    """Explain and the console say erased, replay of everything goes on, fsck and rebuild hold, and a hold comes first."""
    house = open_home(home)
    receive(house, [Delivery(json.dumps(MIND).encode(), "ehr", "fhir", "two.json")])
    [person] = {row[0] for row in house.shelf.query("select person from records where person is not null")[1]}
    house.close()
    at = ("--home", str(home))
    _, answer = asked(home, capsys, person)
    assert answer["outcome"] == "scored"
    name = answer["decision_id"]
    assert run(capsys, "hold", person, "--reason", "case 7", *at)[0] == 0
    assert run(capsys, "erase", person, "--reason", "request", *at, "--json")[0] == 3
    assert json.loads(run(capsys, "hold", "--list", *at, "--json")[1])["holds"][0]["who"] == person
    assert run(capsys, "hold", person, "--release", "--reason", "closed", *at)[0] == 0
    code, out = run(capsys, "erase", person, "--reason", "request", *at, "--json")
    assert (code, json.loads(out)["decisions"]) == (0, 1)
    code, out = run(capsys, "explain", name, *at, "--json")
    left = json.loads(out)
    assert (code, left["state"], left["entry"]["notes"]["outcome"]) == (0, "erased", "scored")
    assert person not in out
    assert "erased" in run(capsys, "explain", name, *at)[1]
    assert json.loads(run(capsys, "replay", "--all", *at, "--json")[1])["replayed"] == 0
    assert run(capsys, "fsck", *at)[0] == 0
    code, out = run(capsys, "rebuild", "--check", *at, "--json")
    assert code == 0, json.loads(out)["differing"]
    house = open_home(home)

    async def look() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(build_app(house)), base_url="http://console") as client:
            for address in (f"/decisions/{name}", f"/decisions/{name}.json", f"/decisions/{name}/replay", "/decisions"):
                page = await client.get(address)
                assert page.status_code == 200, address
                assert person not in page.text
            assert "erased" in (await client.get(f"/decisions/{name}")).text

    asyncio.run(look())
    house.close()
