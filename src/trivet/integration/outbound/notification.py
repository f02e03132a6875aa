"""Notifications of the R4 backport: a history Bundle whose first entry is the status, as Parameters (backport-subscription-status-r4).

In: a subscription, events. Out: bundles for handshake, heartbeat, event-notification, and the answers to `$status` and `$events`;
and the sink that hands them to the subscriber's rest-hook. An `empty` notification names nothing but the event number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from trivet.contracts.outgoing import Letter, Occasion, Outcome, Seat
from trivet.integration.outbound.identity import named
from trivet.integration.outbound.resources import assessment, device
from trivet.integration.outbound.subscriptions import BACKPORT, Subscription
from trivet.integration.outbound.wire import TLS, Wire
from trivet.kernel.errors import Rejected
from trivet.kernel.jsontext import dumps

__all__ = ["Happened", "NotificationSink", "bundle", "readable", "status_of"]

MEDIA = "application/fhir+json"
ERRORS = "http://terminology.hl7.org/CodeSystem/subscription-error"


class Happened(NamedTuple):
    """One event of a subscription. `focus` is the id of the RiskAssessment, empty when nothing may be said of it; `resource` it itself."""

    number: int
    at: str
    focus: str = ""
    resource: dict[str, Any] | None = None


def readable(occasion: Occasion, system: str) -> dict[str, Any] | Rejected:
    """The decision as a resource that stands here, its Device contained. Rejected when the person has no identifier of `system`."""
    who = named(occasion.patients, system)
    if isinstance(who, Rejected):
        return who
    made_by = {**device(occasion), "id": "model"}
    made = assessment(occasion, who, "RiskAssessment", "#model")
    kind = made.pop("resourceType")
    return {"resourceType": kind, "id": occasion.decision.decision_id, "contained": [made_by], **made}


def status_of(one: Subscription, base: str, kind: str, last: int, events: Sequence[Happened] = (), *, content: str = "") -> dict[str, Any]:
    """The Parameters that stand for SubscriptionStatus. `kind`: handshake, heartbeat, event-notification, query-status, query-event."""
    level = content or one.content
    told: list[dict[str, Any]] = [{"name": "subscription", "valueReference": {"reference": f"{base}/Subscription/{one.id}"}}]
    if level != "empty" or kind in ("handshake", "query-status"):
        told.append({"name": "topic", "valueCanonical": one.topic})
    told += [{"name": "status", "valueCode": one.status}, {"name": "type", "valueCode": kind}]
    told.append({"name": "events-since-subscription-start", "valueString": str(last)})
    for event in events:
        parts: list[dict[str, Any]] = [{"name": "event-number", "valueString": str(event.number)}]
        parts.append({"name": "timestamp", "valueInstant": event.at})
        if level != "empty" and event.focus:
            parts.append({"name": "focus", "valueReference": {"reference": f"{base}/RiskAssessment/{event.focus}"}})
        told.append({"name": "notification-event", "part": parts})
    if one.status == "error":
        code = "no-response" if one.reason in ("no-answer", "not-reachable", "connection-lost") else "error-response"
        told.append({"name": "error", "valueCodeableConcept": {"coding": [{"system": ERRORS, "code": code}], "text": one.reason}})
    return {"resourceType": "Parameters", "meta": {"profile": [f"{BACKPORT}/backport-subscription-status-r4"]}, "parameter": told}


def bundle(
    one: Subscription, base: str, kind: str, at: str, last: int, events: Sequence[Happened] = (), *, content: str = ""
) -> dict[str, Any]:
    """A notification: every entry has its request and response, as bdl-3 and bdl-4 ask of a history Bundle."""
    level = content or one.content
    head = {
        "fullUrl": f"{base}/Subscription/{one.id}/$status",
        "resource": status_of(one, base, kind, last, events, content=level),
        "request": {"method": "GET", "url": f"Subscription/{one.id}/$status"},
        "response": {"status": "200"},
    }
    entries = [head]
    for event in events if level == "full-resource" else ():
        if event.resource is not None:
            place = f"RiskAssessment/{event.focus}"
            request = {"method": "PUT", "url": place}
            entries.append({"fullUrl": f"{base}/{place}", "resource": event.resource, "request": request, "response": {"status": "201"}})
    profile = f"{BACKPORT}/backport-subscription-notification-r4"
    return {"resourceType": "Bundle", "meta": {"profile": [profile]}, "type": "history", "timestamp": at, "entry": entries}


class NotificationSink:
    """The rest-hook of one subscription. `headers` are those the subscriber asked for, each `Name: value`."""

    def __init__(self, seat: Seat, one: Subscription, base: str, headers: Sequence[str]) -> None:
        self.seat, self.one, self.base = seat, one, base
        self.system = str(seat.options.get("patient_system", ""))
        self._headers = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in headers)}
        self._wire = Wire(seat, {**TLS, **seat.options})

    def render(self, occasion: Occasion) -> bytes | Rejected:
        """The event-notification of one decision. Rejected when the whole resource is asked for and nobody can be named."""
        resource = readable(occasion, self.system) if self.one.content == "full-resource" else None
        if isinstance(resource, Rejected):
            return resource
        event = Happened(occasion.number, occasion.at, occasion.decision.decision_id, resource)
        return dumps(
            bundle(replace(self.one, status="active", reason=""), self.base, "event-notification", occasion.at, occasion.number, [event])
        )

    def send(self, letter: Letter) -> Outcome:
        """POST it to the rest-hook."""
        return self.post(letter.body, {"Idempotency-Key": letter.key})

    def post(self, body: bytes, more: dict[str, str] | None = None) -> Outcome:
        """POST a notification of any kind."""
        headers = {**self._headers, "Content-Type": MEDIA, "Accept": MEDIA, **(more or {})}
        return self._wire.outcome(self._wire.call("POST", self.seat.url, headers, body))

    def close(self) -> None:
        """End the connections."""
        self._wire.close()
