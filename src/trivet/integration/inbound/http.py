"""The HTTP door: `POST /receive/<source>` with a file as the body.

In: bytes up to a limit. Out: 202 with what was landed, said only when it is durable; 503 when it could not be made durable, so
that the sender keeps it. Refused: sources that nobody registered (404), bodies over the limit (413), callers without the
door's token (401) where the door stands open to more than this machine.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trivet.kernel.errors import NotFound, Problem

__all__ = ["LIMIT", "receive_route"]

LIMIT = 256 << 20  # bytes of one body
STATUS = {2: 400, 4: 422, 5: 404, 7: 503}

Take = Callable[[bytes, str, str], dict[str, Any]]


def receive_route(take: Take, known: Callable[[str], bool], token: str = "", limit: int = LIMIT) -> Route:
    """The route. `take(body, source, name)` lands a file and returns only when that is durable; it may raise a Problem."""

    async def endpoint(request: Request) -> Response:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and not hmac.compare_digest(given.encode(), token.encode()):
            return problem(401, Problem("E260", "this door asks for its token", help="Authorization: Bearer TOKEN, from keys/door.token"))
        source = request.path_params["source"]
        if not known(source):
            return problem(404, NotFound("E261", f"no source {source}", help="name it in trivet.toml"))
        body = await whole(request.stream().__aiter__().__anext__, limit)
        if body is None:
            return problem(413, Problem("E262", "the body is too large", why=f"more than {limit} bytes", help="send it in parts"))
        try:
            answer = await run_in_threadpool(take, body, source, request.headers.get("x-filename", ""))
        except Problem as failed:
            return problem(STATUS.get(failed.exit, 503), failed)
        return JSONResponse(answer, status_code=202)

    return Route("/receive/{source}", endpoint, methods=["POST"])


async def whole(more: Callable[[], Awaitable[bytes]], limit: int) -> bytes | None:
    """The whole body, or None as soon as it is longer than the limit."""
    parts: list[bytes] = []
    size = 0
    while True:
        try:
            part = await more()
        except StopAsyncIteration:
            return b"".join(parts)
        size += len(part)
        if size > limit:
            return None
        parts.append(part)


def problem(status: int, failed: Problem) -> Response:
    """A problem as the documented JSON object."""
    return JSONResponse({"error": failed.as_dict()}, status_code=status)
