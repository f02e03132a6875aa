"""Real peers on real sockets that behave as told: an MLLP listener, and an HTTP server that is a small FHIR server or a webhook."""

from __future__ import annotations

import json
import socket
import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


def control_of(message: bytes) -> str:
    """MSH-10."""
    return message.split(b"\r")[0].split(b"|")[9].decode()


def ack(message: bytes, code: str, control: str = "") -> bytes:
    """An acknowledgement in its frame."""
    head = f"MSH|^~\\&|EHR|HOSP|TRIVET|north|20260301||ACK^R01^ACK|A1|P|2.5.1\rMSA|{code}|{control or control_of(message)}\r"
    return b"\x0b" + head.encode() + b"\x1c\r"


class MllpPeer:
    """Listens on the loopback. `plan` says how to treat the next messages, then `AA`: a code of table 0008, `silent`, `close`,
    `halfway` (breaks off inside its answer), `other` (answers the previous message). `deaf` peers accept and never read."""

    def __init__(self, plan: tuple[str, ...] = (), *, deaf: bool = False) -> None:
        self.heard: list[bytes] = []
        self.plan, self.deaf = deque(plan), deaf
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            if not self.deaf:
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        held = b""
        with connection:
            while True:
                try:
                    got = connection.recv(65536)
                except OSError:
                    return
                if not got:
                    return
                held += got
                while b"\x1c\r" in held:
                    frame, held = held.split(b"\x1c\r", 1)
                    message = frame.split(b"\x0b", 1)[1]
                    earlier = self.heard[-1] if self.heard else message
                    self.heard.append(message)
                    how = self.plan.popleft() if self.plan else "AA"
                    if how == "close":
                        return
                    if how == "halfway":
                        connection.sendall(ack(message, "AA")[:30])
                        return
                    if how == "other":
                        connection.sendall(ack(message, "AA", control_of(earlier) if earlier is not message else "ANOTHER"))
                    elif how != "silent":
                        connection.sendall(ack(message, how))

    def close(self) -> None:
        """Stop listening, drop everybody."""
        self.listener.close()
        for connection in self.open:
            connection.close()


class HttpPeer:
    """Keeps every request. `plan` holds (status, headers, body) for the next requests; then `answer(method, path, headers, body)`."""

    def __init__(self, answer: Callable[..., tuple[int, dict[str, str], bytes]] | None = None) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.plan: deque[tuple[int, dict[str, str], bytes]] = deque()
        self.answer = answer or (lambda *_: (200, {}, b""))
        peer = self

        class Talk(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _do(self) -> None:
                length = int(self.headers.get("content-length", "0"))
                body = self.rfile.read(length)
                if len(body) < length:  # whoever sent it died in the middle: that is no request
                    self.close_connection = True
                    return
                headers = {key.lower(): value for key, value in self.headers.items()}
                peer.requests.append((self.command, self.path, headers, body))
                status, more, content = peer.plan.popleft() if peer.plan else peer.answer(self.command, self.path, headers, body)
                self.send_response(status)
                for key, value in {"content-length": str(len(content)), **more}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """A client that was killed is no news."""

        self.server = Quiet(("127.0.0.1", 0), Talk)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self.server.shutdown()
        self.server.server_close()


class FhirShelf:
    """A FHIR server's memory: conditional create by identifier or by target and agent, search by the same (R4 3.1.0.8.1).

    `knows` False: a server that ignores If-None-Exist.
    """

    def __init__(self, *, knows: bool = True) -> None:
        self.held: dict[str, list[dict[str, Any]]] = {}
        self.knows = knows

    def found(self, kind: str, query: str) -> list[dict[str, Any]]:
        """What fits a search."""
        wanted = dict(parse_qsl(query))
        out = []
        for one in self.held.get(kind, []):
            names = {f"{i.get('system')}|{i['value']}" for i in one.get("identifier", [])}
            fits = "identifier" not in wanted or wanted["identifier"] in names
            fits &= "target" not in wanted or wanted["target"] in {t["reference"] for t in one.get("target", [])}
            fits &= "agent" not in wanted or wanted["agent"] in {a["who"]["reference"] for a in one.get("agent", [])}
            out += [one] if fits else []
        return out

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        address = urlsplit(path)
        kind = address.path.strip("/").split("/")[-1]
        if method == "GET":
            entries = [{"resource": one} for one in self.found(kind, address.query)]
            return 200, {}, json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entries}).encode()
        there = self.found(kind, headers["if-none-exist"]) if self.knows and "if-none-exist" in headers else []
        if len(there) > 1:
            return 412, {}, outcome("multiple matches")
        if there:
            return 200, {}, b""
        made = {**json.loads(body), "id": f"{kind.lower()}-{len(self.held.get(kind, [])) + 1}"}
        self.held.setdefault(kind, []).append(made)
        return 201, {"location": f"http://x/fhir/{kind}/{made['id']}/_history/1"}, b""


def outcome(text: str) -> bytes:
    """An OperationOutcome."""
    issue = {"severity": "error", "code": "processing", "diagnostics": text}
    return json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()
