"""The HTTP door: accepted means durable, everything else is said in a way a sender can act upon."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from trivet.integration.inbound.http import receive_route
from trivet.kernel.errors import Fault, Locked


class Caller:
    """Speaks to a door that knows one source."""

    def __init__(self, take: Any, token: str = "", limit: int = 1000) -> None:
        self.app = Starlette(routes=[receive_route(take, {"lab"}.__contains__, token, limit)])

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One call."""

        async def call() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://door") as client:
                return await client.request(method, path, **more)

        return asyncio.run(call())

    def post(self, path: str, **more: Any) -> httpx.Response:
        """One POST."""
        return self.request("POST", path, **more)


def test_a_body_is_handed_over_whole_and_acknowledged_after() -> None:
    """Bytes, source and name arrive as they were sent; 202 carries what was landed."""
    taken = []

    def take(body: bytes, source: str, name: str) -> dict[str, Any]:
        taken.append((body, source, name))
        return {"landed": 1}

    answer = Caller(take).post("/receive/lab", content=b"\x00\xffMSH", headers={"x-filename": "a.hl7"})
    assert (answer.status_code, answer.json()) == (202, {"landed": 1})
    assert taken == [(b"\x00\xffMSH", "lab", "a.hl7")]


@pytest.mark.parametrize("problem", [Locked("E615", "held"), Fault("E616", "disk full")])
def test_what_is_not_durable_is_not_acknowledged(problem: Exception) -> None:
    """A store that cannot commit gives 503, so that the sender keeps the message."""

    def take(body: bytes, source: str, name: str) -> dict[str, Any]:
        raise problem

    answer = Caller(take).post("/receive/lab", content=b"x")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] in ("E615", "E616")


def test_strangers_are_refused() -> None:
    """An unknown source is 404, a body over the limit 413, a missing or wrong token 401, and nothing of it is taken."""
    taken: list[bytes] = []

    def take(body: bytes, source: str, name: str) -> dict[str, Any]:
        taken.append(body)
        return {}

    assert Caller(take).post("/receive/other", content=b"x").status_code == 404
    assert Caller(take, limit=10).post("/receive/lab", content=b"x" * 11).status_code == 413
    guarded = Caller(take, token="secret")
    assert guarded.post("/receive/lab", content=b"x").status_code == 401
    assert guarded.post("/receive/lab", content=b"x", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert taken == []
    assert guarded.post("/receive/lab", content=b"x", headers={"authorization": "Bearer secret"}).status_code == 202
    assert Caller(take).request("GET", "/receive/lab").status_code == 405
