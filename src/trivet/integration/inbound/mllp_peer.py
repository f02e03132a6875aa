"""One connection of an MLLP listener: cuts frames out of what arrives and sends the answers in the order of arrival.

In: bytes, in pieces of at most 64 KiB. Out: each message handed to its door, each answer as soon as it and all before it are known.
Refused: a frame that does not end in its time or its length; a peer that does not read its answers. Never more messages in flight than
the window has room for: what came with them waits, and nothing more is read meanwhile.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol, cast

from trivet.integration.formats.hl7v2.ack import Header
from trivet.integration.inbound.frames import Framer

__all__ = ["Door", "MllpLimits", "Peer", "Pending"]

UNREAD = 2**16  # bytes of answers that the system holds for a peer: one that never reads them is found out after some hundreds
LONGEST_NAME = 200  # signs of a peer's name that are kept


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


@dataclass(slots=True, eq=False)
class Pending:
    """A message whose answer is due: (outcome, text, error code) once it is durable, or is known not to be."""

    peer: Peer
    header: Header
    size: int
    why: str = ""
    message: bytes = b""
    outcome: tuple[str, str, str] | None = None


class Door(Protocol):
    """What a connection needs of its listener: limits, one buffer for all, the bytes held by all, and where messages and answers go."""

    limits: MllpLimits
    space: memoryview
    buffered: int

    def enter(self, peer: Peer) -> bool: ...

    def leave(self, peer: Peer, held: int) -> None: ...

    def brought(self) -> None: ...

    def say(self, what: str) -> None: ...

    def share(self) -> int: ...

    def take(self, peer: Peer, message: bytes, large: bool) -> Pending: ...

    def answers(self, pending: Pending) -> list[bytes]: ...


class Peer(asyncio.BufferedProtocol):
    """What stands at the other end of a connection. Everything here runs in the thread of the event loop."""

    def __init__(self, door: Door) -> None:
        self.door, self.limits = door, door.limits
        self.loop = asyncio.get_running_loop()
        self.framer = Framer(self.limits.frame, self.limits.head)
        self.frames: deque[tuple[bytes, bool]] = deque()  # complete, for which the window has no room yet
        self.due: deque[Pending] = deque()
        self.origin = ""
        self.begun = 0.0
        self.reading, self.gone = True, True
        self.ended, self.over = False, False  # nothing more is taken; nothing more comes
        self.stuck: asyncio.TimerHandle | None = None  # until the peer reads its answers
        self.late: asyncio.TimerHandle | None = None  # until a frame must have ended, or the lingering is over

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came; beyond the number of connections they are sent away."""
        self.transport = cast(asyncio.Transport, transport)
        if not self.door.enter(self):
            self.ended = True
            self.transport.close()
            return
        self.gone, self.origin = False, origin(self.transport)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD)

    def connection_lost(self, exc: Exception | None) -> None:
        """What is landed stays landed; nobody is there for its answer."""
        if self.gone:
            return
        self.gone = self.ended = True
        for timer in (self.stuck, self.late):
            if timer is not None:
                timer.cancel()
        self.door.leave(self, self.framer.buffered + sum(pending.size for pending in self.due))
        self.due.clear()
        self.frames.clear()

    def get_buffer(self, sizehint: int) -> memoryview:
        """One for all connections: what arrives is taken out of it at once."""
        return self.door.space

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes arrived."""
        if self.ended:
            return
        framer, was = self.framer, self.framer.buffered
        if not framer.inside:
            self.begun = self.loop.time()
        frames = framer.feed(bytes(self.door.space[:nbytes]), self.door.share())
        self.door.buffered += framer.buffered - was
        if frames:
            self.begun = self.loop.time()
            self.frames.extend(frames)
        if framer.passed > self.limits.endless:
            self.door.say(f"a frame did not end within {self.limits.endless} bytes")
            self.ended = True
        elif framer.inside and self.late is None:
            self.late = self.loop.call_at(self.begun + self.limits.frame_seconds, self._overdue)
        self.answer()
        if frames:
            self.door.brought()

    def eof_received(self) -> bool:
        """The peer sends no more. Its answers still go out, where the transport can be half closed (not with TLS)."""
        self.end()
        return not self.gone and self.transport.get_extra_info("sslcontext") is None and not self.transport.is_closing()

    def pause_writing(self) -> None:
        """The peer does not read its answers: it is cut off after a while."""
        self.stuck = self.stuck or self.loop.call_later(self.limits.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It does again."""
        if self.stuck is not None:
            self.stuck.cancel()
            self.stuck = None
        self.answer()

    def end(self) -> None:
        """Read no more; close when every answer is out."""
        self.ended = self.over = True
        self.answer()

    def answer(self) -> None:
        """Send the answers that are due, take what waited for room, and read on or close as that allows."""
        if self.gone:
            return
        while True:
            said = []
            while self.due and self.due[0].outcome is not None and self.stuck is None:
                pending = self.due.popleft()
                self.door.buffered -= pending.size
                said += self.door.answers(pending)
            if said:
                self.transport.write(b"".join(said))
            if not self.frames or len(self.due) >= self.limits.window:
                break
            while self.frames and len(self.due) < self.limits.window:
                self.due.append(self.door.take(self, *self.frames.popleft()))
        if self.ended and not self.due:
            self._close()
        elif self.reading is bool(self.frames) and not self.ended:
            self.reading = not self.frames
            self.begun = self.loop.time()
            (self.transport.resume_reading if self.reading else self.transport.pause_reading)()

    def _close(self) -> None:
        """Of a frame without end, say that nothing more will be read and pass over what is under way: closing at once could take our
        answer away."""
        if self.over or self.framer.passed <= self.limits.endless:
            self.transport.close()
        elif not self.transport.is_closing():
            if self.transport.can_write_eof():
                self.transport.write_eof()
            if self.late is not None:
                self.late.cancel()
            self.late = self.loop.call_later(self.limits.write_seconds, self.transport.close)

    def _overdue(self) -> None:
        """Has a frame not ended in its time? While we did not read, the time did not run."""
        self.late = None
        if self.ended or not self.framer.inside:
            return
        until = self.begun + self.limits.frame_seconds
        if not self.reading or self.loop.time() < until:
            self.late = self.loop.call_at(max(until, self.loop.time() + 0.1), self._overdue)
            return
        self.door.say(f"a frame did not end in {self.limits.frame_seconds:.0f} s")
        self.end()


def origin(transport: Any) -> str:
    """Who is at the other end: the name in its certificate, else its address; fit for the ledger, which takes no control characters."""
    peer = transport.get_extra_info("peername") or ("unknown",)
    certificate = transport.get_extra_info("peercert") or {}
    names = [value for entry in certificate.get("subject", ()) for key, value in entry if key == "commonName"]
    name = str(names[0] if names else peer[0])
    return "mllp:" + "".join(sign if sign.isprintable() else "?" for sign in name[:LONGEST_NAME])
