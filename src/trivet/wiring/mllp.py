"""The MLLP door of a house: an MLLP listener whose messages land in it.

The source's `door` is `mllp://host:port`; its `options` may name `tls_certificate`, `tls_key` and `tls_client_authority` (then only
peers with a certificate of that authority come in), and how its peers are answered: `acknowledge` (`asked`, `original`, `enhanced`)
and `content_errors` (`accept`: AA, and quarantine here; `error`: AE).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, cast
from urllib.parse import SplitResult

from trivet.contracts.envelope import Envelope
from trivet.contracts.house import House
from trivet.contracts.ports import Format
from trivet.contracts.profile import SourceProfile
from trivet.contracts.trace import Entry
from trivet.flows.receive import Message, accept_each
from trivet.integration.inbound.mllp import AckProfile, MllpListener, tls_context
from trivet.kernel.errors import Usage
from trivet.wiring.intake import UNKNOWN
from trivet.wiring.profiles import profile

__all__ = ["ack_profile", "judge", "open_door"]


FEW = 8  # messages of one turn that the intake journal takes
LANDED = 128  # messages in the journal from which on they are landed
LONG = 0.1  # seconds after which they are landed, however few
QUICK = 0.002  # seconds between a message and the answer before it, up to which it comes quickly
TOGETHER = 64  # messages landed as one piece of work
BYTES = 2**20  # their bytes from which on no more are added, and another thread does it
MODES = ("asked", "original", "enhanced")
CONTENT = ("accept", "error")
_CODES = {"hl7v2-missing": "101", "hl7v2-unreadable": "102", "hl7v2-date": "102", "hl7v2-value": "102"}  # of table 0357


def judge(form: Format, feed: SourceProfile) -> Callable[[bytes], tuple[str, str] | None]:
    """Says of a message what its translation refuses, without a value of it."""

    def look(message: bytes) -> tuple[str, str] | None:
        rejects = form.translate(message, feed).rejects
        return (_CODES.get(rejects[0].code, "207"), f"{rejects[0].code} {rejects[0].locator}") if rejects else None

    return look


def ack_profile(house: House, source: str, options: Mapping[str, Any]) -> AckProfile:
    """How the peers of a source are answered. Usage for a word that is none of ours."""
    mode, content = options.get("acknowledge", MODES[0]), options.get("content_errors", CONTENT[0])
    for word, known in ((mode, MODES), (content, CONTENT)):
        if word not in known:
            raise Usage("E141", f"no such acknowledgement for source {source}", why=str(word), help="one of: " + ", ".join(known))
    looks = judge(house.formats["hl7v2"], profile(source, house.settings["sources"][source])) if content == "error" else None
    return AckProfile(mode, looks)


class Mat:
    """Where the messages lie that one turn of the event loop brought, until they are landed together, in the order in which they came.

    A few that come quickly after others are kept in the intake journal, acknowledged, and landed with those that follow: when
    `LANDED` wait or one waits for long, when nothing came for a moment, or when anything else is written or read."""

    def __init__(self, house: House, source: str, wake: Callable[[], None]) -> None:
        self.house, self.source, self.wake = house, source, wake
        self.lying: deque[Message] = deque()
        self.intake = house.role("intake")
        self.together: Callable[[Callable[[], None]], None] = lambda tell: tell()  # how answers go out at once
        self.last: Future[Any] | None = None  # the last one that went to the store
        self.answered = 0.0  # when the last one was durable, by the loop's clock
        self.since = 0.0  # since when something is kept and not landed
        self.timer: asyncio.TimerHandle | None = None

    def land(self, form: str, message: bytes, origin: str) -> Future[Any]:
        """Lay a message down; its future resolves when it is durable."""
        future: Future[Any] = Future()
        self.lying.append((Envelope(message, self.source, form, self.house.clock.now(), origin), future))
        if len(self.lying) == 1:
            asyncio.get_running_loop().call_soon(self.clear)
        return future

    def clear(self) -> None:
        """Keep or land what lies here; a part of it where it is much, and the rest when the loop has looked after others."""
        if not self.lying:
            return
        loop = asyncio.get_running_loop()
        messages: list[Message] = []
        size = 0
        while self.lying and len(messages) < TOGETHER and size < BYTES:
            messages.append(self.lying.popleft())
            size += len(messages[-1][0].raw)
        if self.lying:
            loop.call_soon(self.clear)
        elif self._kept(loop, messages):
            return
        self.last = messages[-1][1]
        self.last.add_done_callback(self._told)
        accept_each(self.house, messages, here=size < BYTES, first=self.intake.caught_up)

    def _told(self, _: Future[Any]) -> None:
        """What went to the store is known, in whatever thread."""
        self.answered = time.monotonic()
        self.wake()

    def _kept(self, loop: asyncio.AbstractEventLoop, messages: Sequence[Message]) -> bool:
        """Are they few, right behind others of which nothing is under way, and durable in the journal now?"""
        if len(messages) > FEW or time.monotonic() - self.answered > QUICK or not (self.last is None or self.last.done()):
            return False
        envelopes = [envelope for envelope, _ in messages]
        if any(envelope.format == UNKNOWN for envelope in envelopes) or not self.intake.keep(envelopes):
            return False
        self.together(lambda: say_kept(messages))
        self.answered = time.monotonic()
        if self.intake.owed == len(messages):
            self.since = self.answered
        if self.intake.owed >= LANDED or self.answered - self.since > LONG:
            self.intake.land()
        if self.timer is None:
            self.timer = loop.call_later(QUICK, self._lull, loop)
        return True

    def _lull(self, loop: asyncio.AbstractEventLoop) -> None:
        """Nothing came for a moment: land what is kept, and leave the journal empty."""
        self.timer = None
        if time.monotonic() - self.answered >= QUICK:
            self.intake.land()
            self.intake.blank()
        if self.intake.owed:
            self.timer = loop.call_later(1.0 if self.intake.stuck else QUICK, self._lull, loop)


def say_kept(messages: Sequence[Message]) -> None:
    """They are durable; their receipts come with their landing."""
    for _, future in messages:
        cast("Future[Any]", future).set_result(None)


async def open_door(
    house: House, source: str, address: SplitResult, wake: Callable[[], None], report: Callable[[str], None] | None = None
) -> MllpListener:
    """Listen for a source. What came in is durable before its acknowledgement; `wake` is called when something did."""
    options = house.settings["sources"][source].get("options", {})
    tls = None
    if options.get("tls_certificate"):
        tls = tls_context(options["tls_certificate"], options.get("tls_key", ""), options.get("tls_client_authority", ""))
    if not address.hostname or address.port is None:
        raise Usage(
            "E141", f"the door of source {source} lacks a host or a port", why=address.geturl(), help='door = "mllp://127.0.0.1:2575"'
        )

    house.role("intake").open()
    house.role("intake").told.append(wake)
    mat = Mat(house, source, wake)

    def alert(event: str) -> None:
        entry = Entry("source.event", house.clock.now(), notes={"source": source, "kind": event})
        house.store.submit(lambda tx: house.ledger.append(tx, [entry]))

    listener = MllpListener(
        source,
        partial(mat.land, "hl7v2"),
        partial(mat.land, UNKNOWN),
        clock=house.clock,
        tls=tls,
        report=report,
        profile=ack_profile(house, source, options),
        alert=alert,
    )
    mat.together, listener.all_here = listener.together, mat.clear
    await listener.open(address.hostname, address.port)
    return listener
