"""Signed webhooks, after the Standard Webhooks specification: HMAC-SHA-256 over id, time and body.

In: a decision. Out: one POST for each, numbered without gaps, so that a receiver sees what it missed and asks for it. The body says
that something happened and names it; the resource itself goes along only where the destination's settings say so.
Every key in the secret file signs, so that a key can be rotated without losing a message.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

from trivet.contracts.outgoing import Letter, Occasion, Outcome, Seat
from trivet.integration.outbound.identity import Named, named
from trivet.integration.outbound.options import checked
from trivet.integration.outbound.resources import assessment, device
from trivet.integration.outbound.wire import TLS, Wire
from trivet.kernel.errors import Fault, Rejected, Usage
from trivet.kernel.jsontext import dumps

__all__ = ["TOLERANCE", "WebhookSink", "key_of", "signatures", "verified"]

TOLERANCE = 300  # seconds that clocks may differ
SHORTEST = 24  # bytes of a key (Standard Webhooks: 24 to 64)
DEFAULTS: dict[str, Any] = {"payload": "id-only", "patient_system": "", **TLS}


class WebhookSink:
    """`url` is where to POST. `payload` is `id-only` (nothing about the person) or `full-resource`, which needs `patient_system`."""

    def __init__(self, seat: Seat) -> None:
        self.seat, self.options = seat, checked(seat, DEFAULTS)
        where = f"destinations.{seat.destination}.options"
        if self.options["payload"] not in ("id-only", "full-resource"):
            raise Usage("E852", "payload is id-only or full-resource", where=where)
        if self.options["payload"] == "full-resource" and not self.options["patient_system"]:
            raise Usage("E852", "full-resource needs patient_system", where=where)
        for secret in seat.secrets():
            key_of(secret)
        if not seat.secrets():
            raise Usage("E852", "a webhook needs a secret", where=f"destinations.{seat.destination}", help='secret = "keys/NAME.secret"')
        self._wire = Wire(seat, self.options)

    def render(self, occasion: Occasion) -> bytes | Rejected:
        """The body. With `id-only` it holds no value of the person and no reference to one."""
        decision = occasion.decision
        data: dict[str, Any] = {
            "event": occasion.number,
            "decision": decision.decision_id,
            "thread": occasion.thread,
            "use": decision.use,
            "outcome": decision.outcome,
            "site": occasion.site,
        }
        if occasion.earlier:
            data["replaces"] = occasion.earlier
        if self.options["payload"] == "full-resource":
            who: Named | Rejected = named(occasion.patients, self.options["patient_system"])
            if isinstance(who, Rejected):
                return who
            made_by = f"urn:trivet:{occasion.key}:device"
            data["resource"] = assessment(occasion, who, "RiskAssessment", made_by)
            data["device"] = device(occasion)
        return dumps({"type": f"decision.{occasion.event}", "timestamp": occasion.at, "data": data})

    def send(self, letter: Letter) -> Outcome:
        """POST it, signed with every key that stands in the secret file now."""
        at = int(self.seat.now())
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": letter.key,
            "webhook-id": letter.key,
            "webhook-timestamp": str(at),
            "webhook-signature": " ".join(signatures(self.seat.secrets(), letter.key, at, letter.body)),
            "trivet-event-number": str(letter.number),
        }
        return self._wire.outcome(self._wire.call("POST", self.seat.url, headers, letter.body))

    def close(self) -> None:
        """End the connections."""
        self._wire.close()


def key_of(secret: str) -> bytes:
    """The key of a `whsec_BASE64` line. Fault E855 when it is none or too short; the error does not repeat it."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith("whsec_") or len(key) < SHORTEST:
        why = f"whsec_ and at least {SHORTEST} bytes in base64"
        raise Fault("E855", "a webhook's secret is not a key", why=why, help="trivet outbox key")
    return key


def signatures(secrets: Sequence[str], id: str, at: int, body: bytes) -> list[str]:
    """`v1,BASE64` for each key, the newest first."""
    text = f"{id}.{at}.".encode() + body
    return ["v1," + base64.b64encode(hmac.digest(key_of(secret), text, hashlib.sha256)).decode() for secret in secrets]


def verified(secrets: Sequence[str], id: str, at: str, given: str, body: bytes, now: float) -> bool:
    """Is one of the signatures one of ours, and is it of today? Compared in constant time."""
    if not at.isdigit() or len(at) > 12 or abs(now - int(at)) > TOLERANCE:
        return False
    wanted = [text.encode() for text in signatures(secrets, id, int(at), body)]
    held = [text.encode("utf-8", "replace") for text in given.split()[:8]]
    return any(hmac.compare_digest(one, other) for one in wanted for other in held)
