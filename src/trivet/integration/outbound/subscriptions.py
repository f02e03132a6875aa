"""Topic-based subscriptions after HL7's R4 backport guide (hl7.fhir.uv.subscriptions-backport 1.1): who wants to hear of what.

In: Subscription resources of clients that `trivet.toml` names. Out: rows that the outbox treats as destinations, with event numbers
that have no gaps. Refused, as an OperationOutcome says: topics, filters, channels, endpoints and contents that are not offered. Headers
can hold the subscriber's secrets: they are sealed in the vault with the resource and never given back.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from trivet.contracts.ports import Clock, Ledger, Store, Tx, Vault
from trivet.contracts.trace import Entry
from trivet.integration.outbound.statements import sql
from trivet.integration.outbound.tables import Destination
from trivet.kernel.clock import instant, parse_instant
from trivet.kernel.errors import NotFound, Rejected
from trivet.kernel.jsontext import dumps, loads
from trivet.kernel.resources import text

__all__ = ["CONTENTS", "Client", "Subscription", "Subscriptions", "read_subscription", "topics"]

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
CONTENTS = ("empty", "id-only", "full-resource")
HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([\x21-\x7e][\x20-\x7e]{0,4000})").fullmatch
OURS = {"host", "content-length", "content-type", "transfer-encoding", "connection", "te", "upgrade", "expect", "idempotency-key"}
MOST = 100  # subscriptions of one client


@dataclass(frozen=True, slots=True)
class Client:
    """Who may subscribe: a destination of kind `subscriptions`. Notifications go to addresses below `endpoint` only; `content` is the
    most that may be in one; `uses` what it may hear of."""

    name: str
    endpoint: str
    uses: tuple[str, ...]
    content: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """One row. `destination` is its name in the outbox."""

    id: str
    client: str
    topic: str
    event: str
    uses: str
    status: str
    reason: str
    content: str
    heartbeat: int
    timeout: int
    ends_at: str
    made_at: str
    blob: str

    @property
    def destination(self) -> str:
        """What the outbox calls it; no name in `trivet.toml` can have a colon."""
        return f"subscription:{self.id}"


def topics() -> list[dict[str, str]]:
    """The topics on offer: `topic` (canonical), `event`, `title`, `text`."""
    return list(csv.DictReader(io.StringIO(text("trivet.maps", "outbound", "topics.csv"))))


def read_subscription(resource: Any, client: Client, now: str) -> Subscription | Rejected:
    """What a Subscription asks for, as a row without id and blob. Rejected E870 says which element is not offered here, by its path."""
    if not isinstance(resource, dict) or resource.get("resourceType") != "Subscription":
        return refused("Subscription", "not a Subscription")
    channel = resource.get("channel")
    if not isinstance(channel, dict) or not isinstance(resource.get("reason"), str):
        return refused("Subscription.channel", "channel and reason are required in R4")
    topic = next((one for one in topics() if one["topic"] == resource.get("criteria")), None)
    if topic is None:
        return refused("Subscription.criteria", "no such topic; those on offer stand in /fhir/metadata")
    uses = filtered(resource.get("_criteria"), client)
    if isinstance(uses, Rejected):
        return uses
    if channel.get("type") != "rest-hook":
        return refused("Subscription.channel.type", "only rest-hook is offered")
    if not below(channel.get("endpoint"), client.endpoint):
        return refused("Subscription.channel.endpoint", "notifications of this client do not go there")
    if str(channel.get("payload", "")).partition(";")[0] not in ("application/fhir+json", "application/json"):
        return refused("Subscription.channel.payload", "only application/fhir+json is offered")
    if not all(isinstance(one, str) and allowed(one) for one in channel.get("header") or ()):
        return refused("Subscription.channel.header", "a header that cannot be sent")
    content = extension(channel.get("_payload"), "backport-payload-content", "valueCode")
    if content not in CONTENTS or CONTENTS.index(content) > CONTENTS.index(client.content):
        return refused("Subscription.channel.payload.extension", f"content is one of {CONTENTS[: CONTENTS.index(client.content) + 1]}")
    numbers = [extension(channel, name, "valueUnsignedInt") or 0 for name in ("backport-heartbeat-period", "backport-timeout")]
    if not all(isinstance(one, int) and 0 <= one <= 604_800 for one in numbers):
        return refused("Subscription.channel.extension", "a period that is no number of seconds up to a week")
    try:
        ends = instant(parse_instant(resource["end"])) if resource.get("end") else ""
    except (ValueError, TypeError, AttributeError):
        return refused("Subscription.end", "not an instant")
    row = (topic["topic"], topic["event"], ",".join(uses), "requested", "", content, int(numbers[0]), int(numbers[1]), ends, now, "")
    return Subscription("", client.name, *row)


def refused(path: str, why: str) -> Rejected:
    """What is not offered, at its place."""
    return Rejected("E870", why, path)


def filtered(element: Any, client: Client) -> tuple[str, ...] | Rejected:
    """The uses that the filters leave: `RiskAssessment?use=a,b`, all filters together (backport-filter-criteria is a logical and)."""
    place = "Subscription.criteria.extension"
    uses: set[str] | None = None if "*" in client.uses else set(client.uses)
    for one in (element or {}).get("extension") or () if isinstance(element, dict) else ():
        if one.get("url") != f"{BACKPORT}/backport-filter-criteria":
            continue
        kind, _, query = str(one.get("valueString", "")).partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        if kind != "RiskAssessment" or not pairs or any(key != "use" or not value for key, value in pairs):
            return refused(place, "the only filter on offer is RiskAssessment?use=NAME")
        for _, value in pairs:
            wanted = set(value.split(","))
            uses = wanted if uses is None else uses & wanted
    if uses is not None and not uses:
        return refused(place, "nothing is left that this client may hear of")
    return ("*",) if uses is None else tuple(sorted(uses))


def below(endpoint: Any, allowed: str) -> bool:
    """Does an address stand at the same host and port, below the allowed path?"""
    if not isinstance(endpoint, str) or re.search(r"[\x00-\x20\\]", endpoint):
        return False
    try:
        one, other = urlsplit(endpoint), urlsplit(allowed)
        same = (one.scheme, one.hostname, one.port) == (other.scheme, other.hostname, other.port)
    except ValueError:
        return False
    path = one.path or "/"
    plain = "@" not in one.netloc and "/../" not in f"{path}/" and "%2e" not in path.lower() and not one.fragment
    top = other.path.rstrip("/")
    return same and plain and one.scheme in ("http", "https") and (path == top or path.startswith(f"{top}/"))


def allowed(header: str) -> bool:
    """A header that a subscriber may ask for: one line, and none that makes the message."""
    found = HEADER(header)
    return found is not None and found[1].lower() not in OURS


def extension(element: Any, name: str, value: str) -> Any:
    """The value of a backport extension, None when it is not there."""
    for one in (element or {}).get("extension") or () if isinstance(element, dict) else ():
        if one.get("url") == f"{BACKPORT}/{name}":
            return one.get(value)
    return None


class Subscriptions:
    """The rows, every change with its ledger entry `subscription` in the same transaction."""

    def __init__(self, store: Store, vault: Vault, ledger: Ledger, clock: Clock) -> None:
        self._store, self._vault, self._ledger, self._clock = store, vault, ledger, clock

    def all(self, client: str = "") -> list[Subscription]:
        """Every subscription, or a client's."""
        return [Subscription(*row) for row in self._store.read(sql("sub_all"), {"client": client})]

    def one(self, id: str, client: str = "") -> Subscription:
        """One of a client's subscriptions. NotFound E871 when there is none, or it is another's."""
        rows = [Subscription(*row) for row in self._store.read(sql("sub_one"), (id,))]
        if not rows or (client and rows[0].client != client):
            raise NotFound("E871", "no such subscription", where=id[:64], help="trivet query 'select * from subscriptions'")
        return rows[0]

    def resource(self, one: Subscription) -> dict[str, Any]:
        """The resource as it was asked for, headers included: for sending only."""
        held: dict[str, Any] = loads(self._vault.get(one.blob))
        return held

    def shown(self, one: Subscription) -> dict[str, Any]:
        """The resource as it is given back: our id and status, no headers."""
        held = self.resource(one)
        channel = {key: value for key, value in held["channel"].items() if key != "header"}
        return {**held, "id": one.id, "status": one.status, "channel": channel, **({"error": one.reason} if one.reason else {})}

    def put(self, asked: Subscription, resource: Mapping[str, Any], id: str = "") -> Subscription | Rejected:
        """Take in a new subscription, or a changed one (`id`); a handshake is due then. Rejected E872 for one too many."""
        if not id and sum(one.status != "off" for one in self.all(asked.client)) >= MOST:
            return Rejected("E872", f"more than {MOST} subscriptions of one client", "Subscription")
        body = dumps({key: value for key, value in resource.items() if key not in ("id", "meta", "status", "error")})

        def work(tx: Tx) -> Subscription:
            name = id or f"sub-{tx.execute(sql('out_next'), ('subscriptions:',))[0][0]}"
            blob = self._vault.put(tx, body, holder="house", kind="subscription")
            made = replace(asked, id=name, blob=blob)
            tx.execute(sql("sub_put"), {field: getattr(made, field) for field in Subscription.__slots__})
            self._note(tx, made.id, made.client, made.topic, "requested", "changed" if id else "made", blob)
            return made

        return self._store.write(work)

    def status(self, id: str, status: str, reason: str = "") -> None:
        """Another status, when it is another."""

        def work(tx: Tx) -> None:
            for client, topic in tx.execute(sql("sub_status"), {"id": id, "status": status, "reason": reason}):
                self._note(tx, id, client, topic, status, reason, "")

        self._store.write(work)

    def _note(self, tx: Tx, id: str, client: str, topic: str, status: str, reason: str, blob: str) -> None:
        notes = {"subscription": id, "client": client, "topic": topic, "then": status, "reason": reason} | ({"blob": blob} if blob else {})
        sealed = {"resource": self._vault.commit(blob)} if blob else {}
        self._ledger.append(tx, [Entry("subscription", self._clock.now(), commitments=sealed, notes=notes)])

    def listed(self, tx: Tx) -> Sequence[Destination]:
        """The subscriptions as destinations: whoever subscribed hears of it, also what happens while it is in error, later."""
        now = self._clock.now()
        found = (Subscription(*row) for row in tx.execute(sql("sub_all"), {"client": ""}))
        return [
            Destination(one.destination, tuple(one.uses.split(",")), True, (one.event,))
            for one in found
            if one.status != "off" and (not one.ends_at or one.ends_at > now)
        ]

    def told(self, client: str, decision: str) -> bool:
        """Was a decision delivered to one of the client's subscriptions? Only then may it read it."""
        return bool(self._store.read(sql("out_told"), (client, decision))[0][0])
