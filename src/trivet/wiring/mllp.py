"""The MLLP door of a house: an MLLP listener whose messages land in it.

The source's `door` is `mllp://host:port`; its `options` may name `tls_certificate`, `tls_key` and `tls_client_authority` (then only
peers with a certificate of that authority come in).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any
from urllib.parse import SplitResult

from trivet.contracts.envelope import Envelope
from trivet.contracts.house import House
from trivet.flows.receive import accept
from trivet.integration.inbound.mllp import MllpListener, tls_context
from trivet.kernel.errors import Usage
from trivet.wiring.intake import UNKNOWN

__all__ = ["open_door"]


async def open_door(house: House, source: str, address: SplitResult, wake: Callable[[], None]) -> MllpListener:
    """Listen for a source. What came in is durable before its acknowledgement; `wake` is called when something did."""
    options = house.settings["sources"][source].get("options", {})
    tls = None
    if options.get("tls_certificate"):
        tls = tls_context(options["tls_certificate"], options.get("tls_key", ""), options.get("tls_client_authority", ""))
    if not address.hostname or address.port is None:
        raise Usage(
            "E141", f"the door of source {source} lacks a host or a port", why=address.geturl(), help='door = "mllp://127.0.0.1:2575"'
        )

    def landing(form: str) -> Callable[[bytes, str], Future[Any]]:
        def land(message: bytes, origin: str) -> Future[Any]:
            envelope = Envelope(message, source, form, house.clock.now(), origin)
            future = accept(house, envelope)
            future.add_done_callback(lambda _: wake())
            return future

        return land

    listener = MllpListener(source, landing("hl7v2"), landing(UNKNOWN), clock=house.clock, tls=tls)
    await listener.open(address.hostname, address.port)
    return listener
