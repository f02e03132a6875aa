"""A small FHIR server for tests: searches by _lastUpdated with paging, histories with deletions, SMART Backend Services, and misbehaviour
on request. It checks what it is sent as a real one would: tokens, assertions, parameters.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

FHIR = "application/fhir+json"


@dataclass
class Version:
    """One version of a resource; `content` None is a deletion."""

    type: str
    id: str
    number: int
    at: datetime
    content: dict[str, Any] | None

    def told(self) -> dict[str, Any]:
        """The resource as it is served."""
        assert self.content is not None
        return {**self.content, "meta": {"versionId": str(self.number), "lastUpdated": self.at.isoformat()}}


@dataclass
class FhirServer:
    """`trouble` may answer a request instead of the server; `requests` are those that came, in order."""

    at: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    versions: list[Version] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    trouble: Callable[[Request, int], Response | None] = lambda request, number: None
    jwks: dict[str, Any] | None = None
    tokens: set[str] = field(default_factory=set)
    jtis: set[str] = field(default_factory=set)
    minted: int = 0
    kids: list[str] = field(default_factory=list)
    base: str = ""
    total: int | None = None
    extra: dict[str, Callable[[Request], Response]] = field(default_factory=dict)

    def put(self, kind: str, name: str, /, **content: Any) -> None:
        """A new version of a resource."""
        number = sum(one.type == kind and one.id == name for one in self.versions) + 1
        self.versions.append(Version(kind, name, number, self.at, {"resourceType": kind, "id": name, **content}))

    def delete(self, kind: str, name: str) -> None:
        """The resource goes."""
        number = sum(one.type == kind and one.id == name for one in self.versions) + 1
        self.versions.append(Version(kind, name, number, self.at, None))

    def app(self) -> Starlette:
        """The server as an application."""
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST", "DELETE"])])

    async def answer(self, request: Request) -> Response:
        """Any request."""
        self.requests.append(f"{request.method} {request.url.path}" + (f"?{request.url.query}" if request.url.query else ""))
        self.base = f"{request.url.scheme}://{request.url.netloc}/fhir"
        answer = self.trouble(request, len(self.requests))
        if answer is None:
            answer = await self.serve(request)
        answer.headers.setdefault("date", format_datetime(self.at, usegmt=True))
        return answer

    async def serve(self, request: Request) -> Response:
        """What a well-behaved server says."""
        path = request.url.path
        if path == "/token":
            return self.mint(await request.body())
        if path == "/fhir/.well-known/smart-configuration":
            said = {
                "token_endpoint": f"{self.base.removesuffix('/fhir')}/token",
                "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
            }
            return JSONResponse(said)
        if path in self.extra:
            return self.extra[path](request)
        if path == "/fhir/metadata":
            return JSONResponse({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}, media_type=FHIR)
        if self.jwks is not None and request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return outcome(401, "login")
        parts = path.removeprefix("/fhir/").split("/")
        query = {name: values[-1] for name, values in parse_qs(request.url.query).items()}
        if len(parts) == 1:
            return self.search(parts[0], query)
        if parts[1] == "_history":
            return self.history(parts[0], query)
        found = [one for one in self.versions if (one.type, one.id) == (parts[0], parts[1])]
        return JSONResponse(found[-1].told(), media_type=FHIR) if found and found[-1].content else outcome(404, "not-found")

    def search(self, kind: str, query: dict[str, str]) -> Response:
        """A searchset page."""
        newest = {one.id: one for one in self.versions if one.type == kind}
        found = [one for one in newest.values() if one.content is not None]
        if "_lastUpdated" in query:
            since = datetime.fromisoformat(query["_lastUpdated"].removeprefix("ge"))
            found = [one for one in found if one.at >= since]
        if "patient" in query:
            wanted = f"Patient/{query['patient']}"
            found = [one for one in found if one.content and one.content.get("subject", {}).get("reference") == wanted]
        if "_id" in query:
            found = [one for one in found if one.id == query["_id"]]
        entries = [{"fullUrl": f"{self.base}/{kind}/{one.id}", "resource": one.told(), "search": {"mode": "match"}} for one in found]
        return self.page(kind, "searchset", entries, query)

    def history(self, kind: str, query: dict[str, str]) -> Response:
        """A history page, newest first."""
        found = [one for one in reversed(self.versions) if one.type == kind]
        if "_since" in query:
            found = [one for one in found if one.at >= datetime.fromisoformat(query["_since"])]
        entries = [
            {"fullUrl": f"{self.base}/{kind}/{one.id}", "resource": one.told(), "request": {"method": "PUT", "url": f"{kind}/{one.id}"}}
            if one.content
            else {"fullUrl": f"{self.base}/{kind}/{one.id}", "request": {"method": "DELETE", "url": f"{kind}/{one.id}"}}
            for one in found
        ]
        return self.page(f"{kind}/_history", "history", entries, query)

    def page(self, path: str, kind: str, entries: list[dict[str, Any]], query: dict[str, str]) -> Response:
        """One page of entries, with links."""
        start, count = int(query.get("_page", "0")), int(query.get("_count", "50"))
        keep = "&".join(f"{name}={value}" for name, value in query.items() if name != "_page")
        links = [{"relation": "self", "url": f"{self.base}/{path}?{keep}&_page={start}"}]
        if start + count < len(entries):
            links.append({"relation": "next", "url": f"{self.base}/{path}?{keep}&_page={start + count}"})
        bundle = {"resourceType": "Bundle", "type": kind, "total": self.total if self.total is not None else len(entries), "link": links}
        bundle["entry"] = entries[start : start + count]
        return JSONResponse(bundle, media_type=FHIR)

    def mint(self, body: bytes) -> Response:
        """A token, for an assertion that holds (SMART Backend Services)."""
        form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        try:
            assertion = form["client_assertion"]
            kid = jwt.get_unverified_header(assertion)["kid"]
            key = next(jwt.PyJWK(one) for one in (self.jwks or {})["keys"] if one["kid"] == kid)
            audience = f"{self.base.removesuffix('/fhir')}/token"
            claims = jwt.decode(assertion, key.key, [key.algorithm_name], audience=audience, issuer="trivet-client")
            assert claims["sub"] == "trivet-client"
            assert claims["jti"] not in self.jtis
            assert claims["exp"] - claims["iat"] <= 300
            assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            assert form["grant_type"] == "client_credentials"
        except (KeyError, StopIteration, AssertionError, jwt.InvalidTokenError):
            return JSONResponse({"error": "invalid_client"}, status_code=400)
        self.jtis.add(claims["jti"])
        self.kids.append(kid)
        self.minted += 1
        self.tokens = {f"token-{self.minted}"}
        return JSONResponse({"access_token": f"token-{self.minted}", "token_type": "bearer", "expires_in": 300, "scope": form["scope"]})


def outcome(status: int, code: str, **headers: str) -> Response:
    """An OperationOutcome whose text must never be repeated."""
    issue = {"severity": "error", "code": code, "diagnostics": "Patient CANARY Zebulon"}
    body = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]})
    return Response(body, status, {name.replace("_", "-"): value for name, value in headers.items()}, FHIR)
