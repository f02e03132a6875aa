"""MLLP: listens for HL7 v2 on TCP or TLS and acknowledges a message only when whoever keeps it says that it is durable.

In: frames (VT, message, FS, CR), split or packed over packets as the network likes. Out: each message handed to `land`, its
answer sent in the order of arrival. Refused: frames above the cap, with a negative acknowledgement as soon as the cap is reached (their
head is kept, their rest passed over); a frame that never ends costs its sender the connection, closed so that the answer arrives.
Memory stays bounded: a window of messages per connection, one budget for all of them, and no reading while it is spent.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from typing import Any

from trivet.contracts.ports import Clock
from trivet.integration.formats.hl7v2.ack import Header, acknowledgement, answers, header_of
from trivet.integration.inbound.frames import Framer, framed

__all__ = ["AckProfile", "Framer", "Land", "MllpLimits", "MllpListener", "framed", "tls_context"]

Land = Callable[[bytes, str], "Future[Any]"]
REMEMBERED = 65_536  # control ids of one door


@dataclass(frozen=True, slots=True)
class MllpLimits:
    """`frame` bytes of one message, `window` messages in flight on one connection, `budget` bytes buffered by all connections,
    `head` bytes kept of a frame that is too large, `endless` bytes passed over before its connection is closed, seconds for a frame to
    arrive, for an answer to go out, and to drain."""

    frame: int = 16 * 2**20
    endless: int = 64 * 2**20
    window: int = 64
    budget: int = 256 * 2**20
    head: int = 64 * 2**10
    frame_seconds: float = 300.0
    write_seconds: float = 30.0
    connections: int = 4096


@dataclass(frozen=True, slots=True)
class AckProfile:
    """How the peers of one door are answered. `mode` is `asked` (MSH-15 and MSH-16 decide), `original` or `enhanced`.

    `judge`, where given, looks at a message that is kept and says what is wrong with its content: a code of table 0357 and words
    without a value of the message, None for nothing.
    """

    mode: str = "asked"
    judge: Callable[[bytes], tuple[str, str] | None] | None = None


@dataclass(slots=True)
class _Pending:
    """A message whose answer is due: its header and the future of its landing (None: refused before)."""

    header: Header
    landing: asyncio.Future[Any] | None
    size: int
    why: str = ""
    message: bytes = b""


class MllpListener:
    """One listening socket for one source. `land(message, origin)` returns a future that resolves when the message is durable;
    `refuse(head, origin)` keeps the head of what was too large. Faults of either give a negative acknowledgement, never none."""

    def __init__(
        self,
        source: str,
        land: Land,
        refuse: Land,
        *,
        clock: Clock,
        limits: MllpLimits | None = None,
        tls: ssl.SSLContext | None = None,
        report: Callable[[str], None] | None = None,
        profile: AckProfile | None = None,
        alert: Callable[[str], None] | None = None,
    ) -> None:
        self.source, self.land, self.refuse, self.clock = source, land, refuse, clock
        self.limits, self.tls, self.report = limits or MllpLimits(), tls, report or (lambda _: None)
        self.profile, self.alert = profile or AckProfile(), alert or (lambda _: None)
        self.host, self.port = "", 0
        self.buffered = 0
        self.counts = {"connections": 0, "messages": 0, "refused": 0, "noise": 0, "reused_control_ids": 0}
        self._server: asyncio.Server | None = None
        self._tasks: dict[asyncio.Task[None], asyncio.StreamReader] = {}
        self._numbers = count(1)
        self._known: OrderedDict[tuple[bytes, ...], bytes] = OrderedDict()

    async def open(self, host: str, port: int) -> None:
        """Listen. Raises OSError when the address is taken."""
        self._server = await asyncio.start_server(self._connected, host, port, ssl=self.tls, limit=2**16, backlog=1024)
        self.host, self.port = self._server.sockets[0].getsockname()[:2]

    async def close(self) -> None:
        """Stop listening, answer what is in flight, end every connection."""
        if self._server is not None:
            self._server.close()
        for reader in self._tasks.values():
            reader.feed_eof()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.limits.write_seconds)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._tasks) >= self.limits.connections:
            writer.close()
            return
        self._tasks[task] = reader
        self.counts["connections"] += 1
        try:
            await self._serve(reader, writer)
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        except asyncio.CancelledError:
            pass
        finally:
            del self._tasks[task]
            self.counts["connections"] -= 1
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read and answer at the same time; the queue between them is the window."""
        due: asyncio.Queue[_Pending | None] = asyncio.Queue(self.limits.window)
        answering = asyncio.create_task(self._answer(due, writer))
        framer = Framer(self.limits.frame, self.limits.head)
        try:
            await self._read(reader, framer, due, _origin(writer))
            await due.put(None)
            await answering
            if framer.passed > self.limits.endless:
                await self._linger(reader, writer)
        finally:
            self.counts["noise"] += framer.noise
            self.buffered -= framer.buffered
            answering.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError, TimeoutError):
                await answering

    async def _read(self, reader: asyncio.StreamReader, framer: Framer, due: asyncio.Queue[_Pending | None], origin: str) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            left = self.limits.frame_seconds - (loop.time() - begun) if framer.inside else None
            if left is not None and left <= 0:
                self.report(f"{self.source}: a frame did not end in {self.limits.frame_seconds:.0f} s")
                return
            data = await asyncio.wait_for(reader.read(2**16), left)
            if not data:
                return
            was = framer.buffered
            if not framer.inside:
                begun = loop.time()
            frames = framer.feed(data, self._share())
            self.buffered += framer.buffered - was
            for message, large in frames:
                begun = loop.time()
                await due.put(self._taken(message, large, origin))
            if framer.passed > self.limits.endless:
                self.report(f"{self.source}: a frame did not end within {self.limits.endless} bytes")
                return

    async def _linger(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say that nothing more will be read, and pass over what is under way: closing at once could take our answer away."""
        with contextlib.suppress(OSError, TimeoutError):
            if writer.can_write_eof():
                writer.write_eof()
            async with asyncio.timeout(self.limits.write_seconds):
                while await reader.read(2**16):
                    pass

    def _share(self) -> int:
        """How large a frame may be now: the cap, or a fair share once the common budget is spent."""
        if self.buffered < self.limits.budget:
            return self.limits.frame
        return max(self.limits.head, self.limits.budget // max(1, len(self._tasks)))

    def _taken(self, message: bytes, large: bool, origin: str) -> _Pending:
        """Hand a message over. What goes wrong in handing over is an answer too."""
        header = header_of(message)
        self.counts["messages"] += 1
        self.buffered += len(message)
        try:
            if large:
                self.counts["refused"] += 1
                return _Pending(header, asyncio.wrap_future(self.refuse(message, origin)), len(message), "message too large")
            self._watch(header, message)
            kept = message if self.profile.judge is not None else b""
            return _Pending(header, asyncio.wrap_future(self.land(message, origin)), len(message), message=kept)
        except Exception as error:  # whatever it was, the sender must hear that the message is not kept
            self.report(f"{self.source}: not taken: {getattr(error, 'code', type(error).__name__)}")
            return _Pending(header, None, len(message), "not stored")

    def _watch(self, header: Header, message: bytes) -> None:
        """The same control id of the same sender with other bytes is processed, and said: somebody restarted a counter."""
        if not header.control:
            return
        name, digest = (*header.sender, header.control), hashlib.sha256(message).digest()
        known = self._known.get(name)
        if known is not None and known != digest:
            self.counts["reused_control_ids"] += 1
            self.report(f"{self.source}: a control id came again with other content")
            self.alert("control-id-reused")
        self._known[name] = digest
        self._known.move_to_end(name)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def _answer(self, due: asyncio.Queue[_Pending | None], writer: asyncio.StreamWriter) -> None:
        """Answers in the order of arrival. A peer that does not read them is cut off after a while; what it sent stays landed."""
        gone = False
        while (pending := await due.get()) is not None:
            outcome, text, error = await self._outcome(pending)
            self.buffered -= pending.size
            if gone:
                continue
            for code in answers(pending.header, outcome, self.profile.mode):
                control = f"{self.source[:12]}{next(self._numbers)}"
                writer.write(framed(acknowledgement(pending.header, code, control=control, at=self.clock.now(), text=text, error=error)))
            try:
                async with asyncio.timeout(self.limits.write_seconds):
                    await writer.drain()
            except (ConnectionError, TimeoutError):
                gone = True
                writer.transport.abort()

    async def _outcome(self, pending: _Pending) -> tuple[str, str, str]:
        """(outcome, text, error code) once the message is durable, or is known not to be."""
        if pending.landing is None:
            return "rejected", pending.why, "207"
        try:
            await pending.landing
        except Exception as error:  # a full disk, a locked store, a fault: never a positive answer
            self.report(f"{self.source}: not stored: {getattr(error, 'code', type(error).__name__)}")
            return "rejected", "not stored, send again", "207"
        if pending.why:
            return "rejected", pending.why, "207"
        if not pending.header.found:
            return "rejected", "no MSH segment", "100"
        wrong = await self._judged(pending.message)
        return ("content", wrong[1], wrong[0]) if wrong is not None else ("accepted", "", "")

    async def _judged(self, message: bytes) -> tuple[str, str] | None:
        """What the profile's judge says of a message that is kept. A judge that breaks says nothing: the message is safe."""
        judge = self.profile.judge
        if judge is None:
            return None
        try:
            return await asyncio.get_running_loop().run_in_executor(None, judge, message)
        except Exception as error:
            self.report(f"{self.source}: not judged: {getattr(error, 'code', type(error).__name__)}")
            return None


def _origin(writer: asyncio.StreamWriter) -> str:
    """Who is at the other end: the name in its certificate, else its address."""
    peer = writer.get_extra_info("peername") or ("unknown",)
    certificate = writer.get_extra_info("peercert") or {}
    names = [value for entry in certificate.get("subject", ()) for key, value in entry if key == "commonName"]
    return f"mllp:{names[0] if names else peer[0]}"


def tls_context(certificate: str, key: str, client_authority: str = "") -> ssl.SSLContext:
    """TLS 1.2 or later for a listener; with a client authority only peers with its certificates come in (mutual TLS)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key or None)
    if client_authority:
        context.load_verify_locations(client_authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
