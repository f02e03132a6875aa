"""What a subscriber may ask for over HTTP: subscriptions, `$status`, `$events`, and the resources it was told of.

In: who asks, what for. Out: a status, a resource, headers. Refused, with an OperationOutcome: another client's subscription, a decision
the client was never told of, an event range that is none. Who read which decisions is written down before they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from trivet.contracts.ports import Clock
from trivet.integration.outbound.notification import Happened, bundle, status_of
from trivet.integration.outbound.outbox import Message, Outbox
from trivet.integration.outbound.subscriptions import CONTENTS, Client, Subscriptions, read_subscription, topics
from trivet.kernel.errors import Rejected

__all__ = ["Answered", "Desk", "outcome"]

PAGE = 100  # events in one answer to $events
TOPIC = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capabilitystatement-subscriptiontopic-canonical"
CODES = {400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 413: "too-long", 422: "not-supported", 503: "transient"}


class Answered(NamedTuple):
    """Status, body and headers of an answer."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


def outcome(status: int, text: str, place: str = "") -> Answered:
    """An OperationOutcome."""
    issue = {
        "severity": "error",
        "code": CODES.get(status, "processing"),
        "diagnostics": text,
        **({"expression": [place]} if place else {}),
    }
    return Answered(status, {"resourceType": "OperationOutcome", "issue": [issue]}, {})


class Desk:
    """`shown(message)` gives the resource a message is about, None when nothing may be said of it (its model stands still, its person
    was erased or cannot be named); `accessed(client, ids)` writes down who reads what; `stopped(message)`: does its model stand still."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        outbox: Outbox,
        clients: Mapping[str, Client],
        base: str,
        clock: Clock,
        shown: Callable[[Message, str], dict[str, Any] | None],
        accessed: Callable[[str, Sequence[str]], None],
        stopped: Callable[[Message], bool],
    ) -> None:
        self.subscriptions, self.outbox, self.clients, self.base, self.clock = subscriptions, outbox, clients, base, clock
        self._shown, self._accessed, self._stopped = shown, accessed, stopped

    def metadata(self) -> Answered:
        """What is on offer (CapabilityStatement with the topics, R4 backport)."""
        operations = [
            {"name": name, "definition": f"http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-{name}"}
            for name in ("status", "events")
        ]
        offered = [{"url": TOPIC, "valueCanonical": one["topic"]} for one in topics()]
        verbs = [{"code": code} for code in ("read", "create", "update", "delete", "search-type")]
        resources = [
            {"type": "Subscription", "extension": offered, "interaction": verbs, "operation": operations},
            {"type": "RiskAssessment", "interaction": [{"code": "read"}]},
        ]
        head = {"resourceType": "CapabilityStatement", "status": "active", "kind": "instance", "fhirVersion": "4.0.1"}
        more = {
            "date": self.clock.now(),
            "format": ["application/fhir+json"],
            "implementation": {"description": "Trivet", "url": self.base},
        }
        return Answered(200, {**head, **more, "rest": [{"mode": "server", "resource": resources}]}, {})

    def create(self, client: str, resource: Any) -> Answered:
        """A new subscription: `requested` until its handshake is answered."""
        return self._take(client, resource, "")

    def change(self, client: str, id: str, resource: Any) -> Answered:
        """Another wish under the same id, or `off`. Anything else asks for a new handshake, which also brings one back from `error`."""
        held = self.subscriptions.one(id, client)
        if isinstance(resource, dict) and resource.get("status") == "off":
            self.subscriptions.status(held.id, "off", "by-client")
            return Answered(200, self.subscriptions.shown(self.subscriptions.one(id)), {})
        return self._take(client, resource, id)

    def _take(self, client: str, resource: Any, id: str) -> Answered:
        asked = read_subscription(resource, self.clients[client], self.clock.now())
        made = asked if isinstance(asked, Rejected) else self.subscriptions.put(asked, resource, id)
        if isinstance(made, Rejected):
            return outcome(422, made.reason, made.locator)
        return Answered(200 if id else 201, self.subscriptions.shown(made), {"Location": f"{self.base}/Subscription/{made.id}"})

    def read(self, client: str, id: str) -> Answered:
        """One of the client's own."""
        return Answered(200, self.subscriptions.shown(self.subscriptions.one(id, client)), {})

    def remove(self, client: str, id: str) -> Answered:
        """It ends. What it was told stays on record; what waits for it stays too, unsent."""
        self.subscriptions.status(self.subscriptions.one(id, client).id, "off", "by-client")
        return Answered(204, {}, {})

    def search(self, client: str) -> Answered:
        """All of the client's own."""
        return self._set([self.subscriptions.shown(one) for one in self.subscriptions.all(client)])

    def status(self, client: str, ids: Sequence[str], statuses: Sequence[str]) -> Answered:
        """`$status`: one Parameters for each subscription that is asked for."""
        found = [one for one in self.subscriptions.all(client) if (not ids or one.id in ids) and (not statuses or one.status in statuses)]
        if ids and not found:
            self.subscriptions.one(ids[0], client)
        return self._set([status_of(one, self.base, "query-status", self.outbox.last(one.destination)) for one in found])

    def _set(self, resources: Sequence[dict[str, Any]]) -> Answered:
        entries = [{"resource": one, "search": {"mode": "match"}} for one in resources]
        return Answered(200, {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}, {})

    def events(self, client: str, id: str, since: str, until: str, content: str) -> Answered:
        """`$events`: what was or should have been told, by number, both ends included, a hundred at a time."""
        one = self.subscriptions.one(id, client)
        last = self.outbox.last(one.destination)
        if not all(text == "" or (text.isdigit() and len(text) < 19) for text in (since, until)):
            return outcome(400, "an event number is a whole number")
        level = min((one.content, content or one.content), key=lambda name: CONTENTS.index(name) if name in CONTENTS else 9)
        rows = self.outbox.between(one.destination, int(since or 1), min(int(until or last), last), PAGE)
        happened = [self._happened(row, client, level) for row in rows]
        read = [event.focus for event in happened if event.resource is not None]
        if read:
            self._accessed(client, read)
        return Answered(200, bundle(one, self.base, "query-event", self.clock.now(), last, happened, content=level), {})

    def _happened(self, row: Message, client: str, level: str) -> Happened:
        if level == "empty" or row.state == "superseded" or self._stopped(row):
            return Happened(row.number, row.at)
        resource = self._shown(row, client) if level == "full-resource" else None
        return Happened(row.number, row.at, row.decision_id, resource)

    def assessment(self, client: str, id: str) -> Answered:
        """A decision as RiskAssessment, for a client that was told of it."""
        rows = [one for one in self.outbox.messages(decision=id, limit=1000) if one.destination.startswith("subscription:")]
        if not rows or not self.subscriptions.told(client, id):
            return outcome(404, "no such RiskAssessment, or this client was never told of it")
        if self._stopped(rows[0]):
            return outcome(403, "its model stands still")
        found = self._shown(rows[0], client)
        if found is None:
            return outcome(404, "it cannot be said about whom, or the person was erased")
        self._accessed(client, [id])
        return Answered(200, found, {})
