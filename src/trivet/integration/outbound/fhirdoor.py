"""The HTTP door of subscriptions, `/fhir/...`, and the one where a webhook's receiver asks for what it missed, `/out/NAME/events`.

In: requests with a client's bearer token, or signed with a webhook's key. Out: FHIR JSON; JSON. Refused: callers without their token
(401), bodies over a mebibyte (413), JSON that is none (400). No answer says whether another client's thing exists.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trivet.integration.inbound.http import whole
from trivet.integration.outbound.desk import Answered, Desk, outcome
from trivet.kernel.errors import NotFound, Problem
from trivet.kernel.jsontext import dumps, loads

__all__ = ["fhir_routes", "replay_route"]

LIMIT = 1 << 20
MEDIA = "application/fhir+json"
Tokens = Callable[[], Mapping[str, Sequence[str]]]
Work = Callable[[Desk, str, Request, Any], Answered]


def answered(told: Answered, media: str = MEDIA) -> Response:
    """An answer as a response; nothing of it is kept on the way."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **told.headers}
    return Response(dumps(told.body) if told.status != 204 else b"", told.status, headers, media if told.status != 204 else None)


def client_of(request: Request, tokens: Mapping[str, Sequence[str]]) -> str:
    """Whose bearer token this is; empty when it is nobody's. Every token is compared, in constant time."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    found = ""
    for name, held in tokens.items():
        for token in held:
            if hmac.compare_digest(token.encode(), given.strip().encode()) and scheme.lower() == "bearer":
                found = name
    return found


def fhir_routes(desk: Desk, tokens: Tokens) -> list[Route]:
    """The routes. `tokens` gives client -> tokens, read anew at each request, so that one can be rotated."""

    def route(path: str, methods: list[str], work: Work) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                client = client_of(request, await run_in_threadpool(tokens))
                if not client:
                    return answered(outcome(401, "this door asks for a client's token"))
                body = await whole(request.stream().__aiter__().__anext__, LIMIT)
                if body is None:
                    return answered(outcome(413, "the body is too large"))
                held = loads(body) if body.strip() else None
                return answered(await run_in_threadpool(work, desk, client, request, held))
            except NotFound as missing:
                return answered(outcome(404, missing.what))
            except ValueError:
                return answered(outcome(400, "not JSON"))
            except Problem as failed:
                return answered(outcome(503, f"{failed.code}: {failed.what}"))

        return Route(f"/fhir{path}", endpoint, methods=methods)

    def id_of(request: Request) -> str:
        return str(request.path_params["id"])

    one = "/Subscription/{id}"
    return [
        Route("/fhir/metadata", lambda request: answered(desk.metadata())),
        route("/Subscription", ["POST"], lambda desk, client, request, body: desk.create(client, body)),
        route("/Subscription", ["GET"], lambda desk, client, request, body: desk.search(client)),
        route("/Subscription/$status", ["GET", "POST"], lambda desk, client, request, body: desk.status(client, *_wanted(request, body))),
        route(one, ["GET"], lambda desk, client, request, body: desk.read(client, id_of(request))),
        route(one, ["PUT"], lambda desk, client, request, body: desk.change(client, id_of(request), body)),
        route(one, ["DELETE"], lambda desk, client, request, body: desk.remove(client, id_of(request))),
        route(f"{one}/$status", ["GET", "POST"], lambda desk, client, request, body: desk.status(client, [id_of(request)], [])),
        route(f"{one}/$events", ["GET", "POST"], _events),
        route("/RiskAssessment/{id}", ["GET"], lambda desk, client, request, body: desk.assessment(client, id_of(request))),
    ]


def _parameters(request: Request, body: Any, name: str) -> list[str]:
    """A parameter of an operation: in the address, or in a Parameters body."""
    found = [value for given in request.query_params.getlist(name) for value in given.split(",")]
    for one in body.get("parameter") or () if isinstance(body, dict) else ():
        if isinstance(one, dict) and one.get("name") == name:
            found += [str(value) for key, value in one.items() if key.startswith("value")]
    return found


def _wanted(request: Request, body: Any) -> tuple[list[str], list[str]]:
    return _parameters(request, body, "id"), _parameters(request, body, "status")


def _events(desk: Desk, client: str, request: Request, body: Any) -> Answered:
    given = [next(iter(_parameters(request, body, name)), "") for name in ("eventsSinceNumber", "eventsUntilNumber", "content")]
    return desk.events(client, request.path_params["id"], *given)


def replay_route(ask: Callable[[str, Mapping[str, str], str, int, int], dict[str, Any] | None]) -> Route:
    """`GET /out/NAME/events?since=N&until=M`. `ask(name, headers, target, since, until)` gives None for a caller who has not signed."""

    async def endpoint(request: Request) -> Response:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        numbers = [request.query_params.get(name, "") for name in ("since", "until")]
        if not all(text == "" or (text.isdigit() and len(text) < 19) for text in numbers):
            return answered(outcome(400, "an event number is a whole number"), "application/json")
        since, until = int(numbers[0] or 1), int(numbers[1] or 1 << 62)
        try:
            found = await run_in_threadpool(ask, request.path_params["name"], dict(request.headers), target, since, until)
        except Problem as failed:
            return answered(outcome(503, failed.code), "application/json")
        if found is None:
            return answered(outcome(401, "sign the request as we sign ours"), "application/json")
        return answered(Answered(200, found, {}), "application/json")

    return Route("/out/{name}/events", endpoint, methods=["GET"])
