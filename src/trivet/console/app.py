"""The console as an ASGI application: one route, one page function, one template. No page changes anything but through a flow.

Every page is HTML made here, works without script, and has its data under the same address with `.json`. The policy lets
a browser load one style sheet and one small script of ours and nothing else. Pages are never cached, because they may show a person.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from trivet import __version__
from trivet.console import formats
from trivet.console.page import Page, Session
from trivet.console.pages import PAGES
from trivet.contracts.house import House
from trivet.kernel.errors import NotFound, Problem
from trivet.kernel.jsontext import dumps

__all__ = ["POLICY", "build_app"]

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
FORM = 10_000  # bytes of a form that are read
STATUS = {2: 400, 3: 403, 4: 422, 5: 404, 6: 409, 7: 503}


def assets() -> dict[str, tuple[bytes, str]]:
    """File name with its content's digest -> bytes and media type."""
    held = {}
    for entry in files("trivet.console").joinpath("static").iterdir():
        data = entry.read_bytes()
        stem, _, ending = entry.name.rpartition(".")
        held[f"{stem}.{hashlib.sha256(data).hexdigest()[:12]}.{ending}"] = (data, TYPES[ending])
    return held


class Guard(BaseHTTPMiddleware):
    """Headers on everything; no page without a session; no change without the session's own form key.

    The session starts with the one-time token that `trivet up` prints; the cookie is signed with a key that lives as long as
    the process. Whoever has no session gets a page that says how to get one, and nothing else.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        super().__init__(app)
        self.token, self.key = token, secrets.token_bytes(32)

    def sign(self, name: str) -> str:
        return hmac.new(self.key, name.encode(), hashlib.sha256).hexdigest()

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await self.answer(request, call_next)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    async def answer(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        if request.url.path.startswith("/static/") or request.url.path == "/healthz":
            return await call_next(request)
        name, _, mark = request.cookies.get("trivet", "").partition(".")
        if self.token and not hmac.compare_digest(mark, self.sign(name)):
            if not hmac.compare_digest(request.query_params.get("t", ""), self.token):
                return PlainTextResponse("This console opens with the address that `trivet up` printed.\n", 401)
            name = secrets.token_hex(8)
            rest = urlencode([(key, value) for key, value in request.query_params.multi_items() if key != "t"])
            opened = RedirectResponse(request.url.path + ("?" + rest if rest else ""), 303)
            opened.set_cookie("trivet", f"{name}.{self.sign(name)}", httponly=True, samesite="strict", path="/")
            return opened
        request.state.session, request.state.form_key = name or "local", self.sign("form:" + name)
        return await call_next(request)


def build_app(house: House, token: str = "") -> Starlette:
    """The console over one home. `token` is the one-time word of the first address; empty means no session is asked for."""
    held = assets()
    names = {f"{name.split('.')[0]}.{name.rpartition('.')[2]}": "/static/" + name for name in held}
    templates = Environment(
        loader=PackageLoader("trivet.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.globals["asset"] = names.__getitem__
    templates.filters.update(formats.FILTERS)
    session = Session(house)

    def common(page: Page, request: Request) -> dict[str, Any]:
        return {
            "synthetic": house.settings["home"]["synthetic"],
            "site": house.settings["site"]["name"],
            "as_of": house.ledger.size() - 1,
            "now": house.clock.now()[:16].replace("T", " "),
            "version": __version__,
            "section": page.section,
            "title": page.title,
            "crumbs": page.crumbs,
            "cli": page.cli,
            "form_key": getattr(request.state, "form_key", ""),
            "query": dict(request.query_params),
        }

    def show(page: Page, request: Request, status: int = 200, *, as_json: bool = False) -> Response:
        if page.go:
            return RedirectResponse(page.go, 303)
        if as_json:
            return Response(dumps(formats.plain(page.data)), status, media_type="application/json")
        text = templates.get_template(page.template).render(**common(page, request), **page.data)
        return Response(text, status, media_type="text/html; charset=utf-8")

    def route(function: Callable[..., Page], *, as_json: bool = False) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            try:
                return show(
                    function(session, {**request.query_params, "_session": getattr(request.state, "session", "")}, **request.path_params),
                    request,
                    as_json=as_json,
                )
            except Problem as problem:
                return show(trouble(problem), request, STATUS.get(problem.exit, 500), as_json=as_json)

        return answer

    def change(function: Callable[..., Page]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            form = dict(parse_qsl((await request.body())[:FORM].decode("utf-8", "replace")))
            if not hmac.compare_digest(form.get("key", ""), request.state.form_key):
                return PlainTextResponse("The form is out of date. Go back, load the page again, and repeat.\n", 403)
            try:
                return show(function(session, form, who=request.state.session, **request.path_params), request)
            except Problem as problem:
                return show(trouble(problem), request, STATUS.get(problem.exit, 500))

        return answer

    def static(request: Request) -> Response:
        found = held.get(request.path_params["name"])
        if found is None:
            return PlainTextResponse("not found\n", 404)
        return Response(found[0], media_type=found[1], headers={"Cache-Control": "max-age=31536000, immutable"})

    def missing(request: Request, _: Exception) -> Response:
        return show(trouble(NotFound("E700", "no such page", where=request.url.path)), request, 404)

    routes: list[Route] = [Route("/static/{name}", static), Route("/healthz", lambda request: PlainTextResponse("ok\n"))]
    for path, method, function in PAGES:
        if method == "POST":
            routes.append(Route(path, change(function), methods=["POST"]))
            continue
        routes += [Route((path.rstrip("/") or "/index") + ".json", route(function, as_json=True)), Route(path, route(function))]
    return Starlette(routes=routes, middleware=[Middleware(Guard, token=token)], exception_handlers={404: missing})


def trouble(problem: Problem) -> Page:
    """A page that says what, where, why, and what helps."""
    return Page("problem.html", problem.what, "", {"problem": problem.as_dict()}, crumbs=[("Overview", "/"), (problem.what, "")])
