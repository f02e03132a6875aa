"""A Bulk Data server for tests: kick-off, status, manifest, files, and trouble on request."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


@dataclass
class Exporter:
    """A server with files to export. `pending` status answers come before the manifest; `trouble` may answer instead."""

    files: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, list[str]] = field(default_factory=lambda: {"output": [], "deleted": [], "error": []})
    counts: dict[str, int] = field(default_factory=dict)
    instant: str = "2026-03-01T12:00:00Z"
    pending: list[Response] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    token: bool = False
    file_base: str = ""
    trouble: Callable[[Request], Response | None] = lambda request: None

    def add(self, part: str, name: str, *lines: Any, raw: bytes | None = None) -> None:
        """A file of lines."""
        self.files[name] = raw if raw is not None else b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        self.counts[name] = len([line for line in self.files[name].splitlines() if line.strip()])
        self.parts[part].append(name)

    def app(self) -> Starlette:
        """As an application."""
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "DELETE"])])

    async def answer(self, request: Request) -> Response:
        """Any request."""
        self.requests.append(f"{request.method} {request.url.path}" + (f"?{request.url.query}" if request.url.query else ""))
        base = f"http://{request.url.netloc}"
        instead = self.trouble(request)
        if instead is not None:
            return instead
        path = request.url.path
        if path.endswith("/metadata"):
            return JSONResponse({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}, media_type="application/fhir+json")
        if path.endswith("/$export"):
            assert request.headers["prefer"] == "respond-async"
            return Response(b"", 202, {"content-location": f"{base}/status/1"})
        if path == "/status/1" and request.method == "DELETE":
            return Response(b"", 202)
        if path == "/status/1":
            if self.pending:
                return self.pending.pop(0)
            told = {
                part: [{"type": "X", "url": f"{self.file_base or base}/files/{name}", "count": self.counts[name]} for name in names]
                for part, names in self.parts.items()
            }
            return JSONResponse({"transactionTime": self.instant, "request": "x", "requiresAccessToken": self.token, **told})
        content = self.files[path.removeprefix("/files/")]

        async def pieces() -> Any:
            for start in range(0, len(content), 50_000):
                yield content[start : start + 50_000]

        return StreamingResponse(pieces(), media_type="application/fhir+ndjson")
