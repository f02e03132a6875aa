"""The MLLP door of a house: an MLLP listener whose messages land in it.

The source's `door` is `mllp://host:port`; its `options` may name `tls_certificate`, `tls_key` and `tls_client_authority` (then only
peers with a certificate of that authority come in), and how its peers are answered: `acknowledge` (`asked`, `original`, `enhanced`)
and `content_errors` (`accept`: AA, and quarantine here; `error`: AE).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any
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
    """Where the messages lie that one turn of the event loop brought, until they are landed together, in the order in which they came."""

    def __init__(self, house: House, source: str, wake: Callable[[], None]) -> None:
        self.house, self.source, self.wake = house, source, wake
        self.lying: deque[Message] = deque()

    def land(self, form: str, message: bytes, origin: str) -> Future[Any]:
        """Lay a message down; its future resolves when it is durable."""
        future: Future[Any] = Future()
        self.lying.append((Envelope(message, self.source, form, self.house.clock.now(), origin), future))
        if len(self.lying) == 1:
            asyncio.get_running_loop().call_soon(self.clear)
        return future

    def clear(self) -> None:
        """Land what lies here; a part of it where it is much, and the rest when the loop has looked after others."""
        messages: list[Message] = []
        size = 0
        while self.lying and len(messages) < TOGETHER and size < BYTES:
            messages.append(self.lying.popleft())
            size += len(messages[-1][0].raw)
        if self.lying:
            asyncio.get_running_loop().call_soon(self.clear)
        messages[-1][1].add_done_callback(lambda _: self.wake())
        accept_each(self.house, messages, here=size < BYTES)


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
    await listener.open(address.hostname, address.port)
    return listener
