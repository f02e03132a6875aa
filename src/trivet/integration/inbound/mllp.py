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
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from itertools import count
from threading import get_ident
from typing import Any

from trivet.contracts.ports import Clock
from trivet.integration.formats.hl7v2.ack import Header, acknowledgement, answers, header_of
from trivet.integration.inbound.frames import Framer, framed
from trivet.integration.inbound.mllp_peer import MllpLimits, Peer, Pending

__all__ = ["AckProfile", "Framer", "Land", "MllpLimits", "MllpListener", "framed", "tls_context"]

Land = Callable[[bytes, str], "Future[Any]"]
REMEMBERED = 65_536  # control ids of one door


@dataclass(frozen=True, slots=True)
class AckProfile:
    """How the peers of one door are answered. `mode` is `asked` (MSH-15 and MSH-16 decide), `original` or `enhanced`.

    `judge`, where given, looks at a message that is kept and says what is wrong with its content: a code of table 0357 and words
    without a value of the message, None for nothing.
    """

    mode: str = "asked"
    judge: Callable[[bytes], tuple[str, str] | None] | None = None


class MllpListener:
    """One listening socket for one source. `land(message, origin)` returns a future that resolves when the message is durable, in whatever
    thread; `refuse(head, origin)` keeps the head of what was too large. Faults of either give a negative acknowledgement, never none."""

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
        self.space = memoryview(bytearray(2**16))
        self.counts = {"connections": 0, "messages": 0, "refused": 0, "noise": 0, "reused_control_ids": 0}
        self._server: asyncio.Server | None = None
        self._peers: set[Peer] = set()
        self._left = asyncio.Event()
        self._numbers = count(1)
        self._known: OrderedDict[tuple[bytes, ...], bytes] = OrderedDict()
        self.all_here: Callable[[], None] = lambda: None  # called when nobody can bring more in this turn of the loop
        self._landed: deque[tuple[Pending, Future[Any]]] = deque()
        self._gathering = False

    async def open(self, host: str, port: int) -> None:
        """Listen. Raises OSError when the address is taken."""
        self._loop, self._thread = asyncio.get_running_loop(), get_ident()
        self._server = await self._loop.create_server(lambda: Peer(self), host, port, ssl=self.tls, backlog=1024)
        self.host, self.port = self._server.sockets[0].getsockname()[:2]

    async def close(self) -> None:
        """Stop listening, answer what is in flight, end every connection."""
        if self._server is not None:
            self._server.close()
        for peer in list(self._peers):
            peer.end()
        await self._empty(self.limits.write_seconds)
        for peer in self._peers:
            peer.transport.abort()
        await self._empty(self.limits.write_seconds)
        if self._server is not None:
            await self._server.wait_closed()

    async def _empty(self, seconds: float) -> None:
        """Wait until every peer has left, so long at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._peers:
                    self._left.clear()
                    await self._left.wait()

    def enter(self, peer: Peer) -> bool:
        """A peer came. False when there are too many already."""
        if len(self._peers) >= self.limits.connections:
            return False
        self._peers.add(peer)
        self.counts["connections"] += 1
        return True

    def leave(self, peer: Peer, held: int) -> None:
        """A peer is gone, and so are the bytes that were buffered for it."""
        self._peers.discard(peer)
        self.counts["connections"] -= 1
        self.counts["noise"] += peer.framer.noise
        self.buffered -= held
        self._left.set()

    def brought(self) -> None:
        """A peer has brought what it had. Where it is the only one, nothing need wait for the turns of others."""
        if len(self._peers) == 1:
            self.all_here()

    def say(self, what: str) -> None:
        """Report something about this door."""
        self.report(f"{self.source}: {what}")

    def share(self) -> int:
        """How large a frame may be now: the cap, or a fair share once the common budget is spent."""
        if self.buffered < self.limits.budget:
            return self.limits.frame
        return max(self.limits.head, self.limits.budget // max(1, len(self._peers)))

    def take(self, peer: Peer, message: bytes, large: bool) -> Pending:
        """Hand a message over. What goes wrong in handing over is an answer too."""
        pending = Pending(peer, header_of(message), len(message), "message too large" if large else "")
        self.counts["messages"] += 1
        self.buffered += pending.size
        try:
            if large:
                self.counts["refused"] += 1
                landing = self.refuse(message, peer.origin)
            else:
                self._watch(pending.header, message)
                pending.message = message if self.profile.judge is not None else b""
                landing = self.land(message, peer.origin)
            if landing.done():
                self._settle(pending, landing)
            else:
                landing.add_done_callback(partial(self._told, pending))
        except Exception as error:  # whatever it was, the sender must hear that the message is not kept
            self.say(f"not taken: {getattr(error, 'code', type(error).__name__)}")
            pending.outcome = ("rejected", pending.why or "not stored", "207")
        return pending

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

    def _told(self, pending: Pending, landing: Future[Any]) -> None:
        """It is known what became of a message, in whatever thread. What becomes known together goes to the loop together."""
        self._landed.append((pending, landing))
        if self._gathering:
            return
        self._gathering = True
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it every connection
            (self._loop.call_soon if get_ident() == self._thread else self._loop.call_soon_threadsafe)(self._gather)

    def together(self, tell: Callable[[], None]) -> None:
        """Run what makes known what became of messages, and answer them at once. In the thread of the loop."""
        self._gathering = True  # nobody need be called for it
        try:
            tell()
        finally:
            self._gather()

    def _gather(self) -> None:
        """Answer everything that is known by now."""
        self._gathering = False
        peers: dict[Peer, None] = {}
        while self._landed:
            pending, landing = self._landed.popleft()
            self._settle(pending, landing)
            peers[pending.peer] = None
        for peer in peers:
            peer.answer()

    def _settle(self, pending: Pending, landing: Future[Any]) -> None:
        """The outcome of a message that is durable, or is known not to be: a full disk, a lock, a fault never give a positive one."""
        error = None if landing.cancelled() else landing.exception()
        if landing.cancelled() or error is not None:
            self.say(f"not stored: {getattr(error, 'code', type(error).__name__)}")
            pending.outcome = ("rejected", "not stored, send again", "207")
        elif pending.why:
            pending.outcome = ("rejected", pending.why, "207")
        elif not pending.header.found:
            pending.outcome = ("rejected", "no MSH segment", "100")
        elif self.profile.judge is None:
            pending.outcome = ("accepted", "", "")
        else:
            judging = self._loop.run_in_executor(None, self.profile.judge, pending.message)
            judging.add_done_callback(partial(self._judged, pending))

    def _judged(self, pending: Pending, judging: asyncio.Future[tuple[str, str] | None]) -> None:
        """What the profile's judge says of a message that is kept. A judge that breaks says nothing: the message is safe."""
        error = None if judging.cancelled() else judging.exception()
        wrong = None if judging.cancelled() or error is not None else judging.result()
        if error is not None:
            self.say(f"not judged: {getattr(error, 'code', type(error).__name__)}")
        pending.outcome = ("content", wrong[1], wrong[0]) if wrong is not None else ("accepted", "", "")
        pending.peer.answer()

    def answers(self, pending: Pending) -> list[bytes]:
        """The frames that answer a message."""
        assert pending.outcome is not None
        outcome, text, error = pending.outcome
        frames = []
        for code in answers(pending.header, outcome, self.profile.mode):
            control = f"{self.source[:12]}{next(self._numbers)}"
            frames.append(framed(acknowledgement(pending.header, code, control=control, at=self.clock.now(), text=text, error=error)))
        return frames


def tls_context(certificate: str, key: str, client_authority: str = "") -> ssl.SSLContext:
    """TLS 1.2 or later for a listener; with a client authority only peers with its certificates come in (mutual TLS)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key or None)
    if client_authority:
        context.load_verify_locations(client_authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
