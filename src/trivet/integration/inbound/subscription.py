"""FHIR Subscriptions, R4 backport: notifications come to our HTTP door; what did not come is asked for by event number.

In: notification Bundles (handshake, heartbeat, event-notification, query-status). Out: hauls of the resources they carry, each as it was
written. An event counts as here only when its resource is durable: a number that was passed over, or came without content, is asked for
with `$events`, and its focus is read where the server tells no more. Refused: callers without the secret, what is no notification.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trivet.contracts.source import Event, Haul, Memory, Message, Setting, Wire
from trivet.integration.inbound import fetch, smart
from trivet.integration.inbound.fetch import Fetcher
from trivet.integration.inbound.fhir_page import Entry, Page, read_page, wrapped
from trivet.integration.inbound.fhir_rest import ACCEPT, KINDS, base_of, told
from trivet.integration.inbound.http import LIMIT, problem, whole
from trivet.kernel import jsontext
from trivet.kernel.errors import Fault, NotFound, Problem, Usage

__all__ = ["Notification", "SubscriptionSource", "read_notification", "subscription_route"]

STATUS = ("Parameters", "SubscriptionStatus")
AT_ONCE = 200  # events asked for at once


@dataclass(slots=True)
class Notification:
    """What a Bundle says: its kind, how many events there were since the subscription began, each event's focus by its number, and the
    resources it carries."""

    kind: str = ""
    since_start: int = 0
    status: str = ""
    events: dict[int, str] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def whole(self) -> list[int]:
        """Numbers of the events whose resource is carried here."""
        carried = {entry.key for entry in self.entries if entry.key} | {entry.url for entry in self.entries if entry.url and entry.key}
        return [number for number, focus in self.events.items() if focus and (focus in carried or two(focus) in carried)]


def two(reference: str) -> str:
    """`Type/id` of a reference."""
    return "/".join(reference.partition("/_history")[0].rsplit("/", 2)[-2:])


def number_of(value: Any) -> int:
    """A count or an event number; they come as texts and as numbers."""
    text = str(value)
    return int(text) if text.isdigit() and len(text) < 16 else 0


def read_notification(body: bytes) -> Notification | None:
    """A notification; None for what is none."""
    page = read_page(body)
    if page is None or not page.entries:
        return None
    first = page.entries[0]
    try:
        status = jsontext.loads(first.raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(status, dict) or status.get("resourceType") not in STATUS:
        return None
    found = flat(status) if status["resourceType"] == "Parameters" else backport(status)
    return _carried(found, page)


def _carried(found: Notification, page: Page) -> Notification:
    for entry in page.entries[1:]:
        # an entry without a resource, which is no deletion, only names something
        if entry.deleted or b'"resourceType"' in entry.raw:
            found.entries.append(entry)
    return found


def flat(status: dict[str, Any]) -> Notification:
    """The status as R4's Parameters."""
    found = Notification()
    for one in status.get("parameter") or ():
        if not isinstance(one, dict):
            continue
        value = next((one[name] for name in one if name.startswith("value")), "")
        if one.get("name") == "type":
            found.kind = str(value)
        elif one.get("name") == "status":
            found.status = str(value)
        elif one.get("name") == "events-since-subscription-start":
            found.since_start = number_of(value)
        elif one.get("name") == "notification-event":
            parts = {part.get("name"): part for part in one.get("part") or () if isinstance(part, dict)}
            number = next((parts["event-number"][name] for name in parts.get("event-number", {}) if name.startswith("value")), 0)
            focus = parts.get("focus", {}).get("valueReference", {})
            found.events[number_of(number)] = str(focus.get("reference", "")) if isinstance(focus, dict) else ""
    return found


def backport(status: dict[str, Any]) -> Notification:
    """The status as the resource of R4B and later."""
    found = Notification(
        str(status.get("type", "")), number_of(status.get("eventsSinceSubscriptionStart", 0)), str(status.get("status", ""))
    )
    for one in status.get("notificationEvent") or ():
        if isinstance(one, dict):
            focus = one.get("focus")
            found.events[number_of(one.get("eventNumber", 0))] = str(focus.get("reference", "")) if isinstance(focus, dict) else ""
    return found


class Place:
    """Up to which event everything is here (`last`), what is here beyond it, and the highest number anybody spoke of."""

    def __init__(self, bookmark: dict[str, Any]) -> None:
        self.last = int(bookmark.get("last", 0))
        self.beyond = {int(one) for one in bookmark.get("beyond", ())}
        self.highest = int(bookmark.get("highest", 0))

    def add(self, numbers: Iterable[int], highest: int = 0) -> None:
        """These are here now."""
        self.beyond |= {number for number in numbers if number > self.last}
        self.highest = max([self.highest, highest, *self.beyond])
        while self.last + 1 in self.beyond:
            self.last += 1
            self.beyond.discard(self.last)

    @property
    def behind(self) -> bool:
        """Is anything missing?"""
        return self.highest > self.last

    def kept(self) -> dict[str, Any]:
        """As a bookmark."""
        return {"last": self.last, "beyond": sorted(self.beyond), "highest": self.highest}


class SubscriptionSource:
    """`contracts.source.Source` for `subscription+https://HOST/BASE`; its notifications come in by `subscription_route`."""

    settings: ClassVar[Mapping[str, Setting]] = {
        "subscription": Setting("text", None, "the Subscription's id at the server"),
        "header": Setting("text", "authorization", "the header in which the server says the secret"),
        "secret_file": Setting("text", None, "file with what the header must say, under the home"),
        "renew": Setting("flag", False, "ask for a new handshake (PUT) where the server says that the subscription is in error"),
        **fetch.SETTINGS,
        **smart.SETTINGS,
    }

    def __init__(self, wire: Wire) -> None:
        self.wire, self.asked = wire, wire.settings
        base = base_of(wire.door)
        self.server = Fetcher(base, fetch.limits(self.asked), now=wire.now, sleep=wire.sleep, bearer=smart.bearer(wire, base))
        self.about = f"{self.server.base}/Subscription/{quote(self.asked['subscription'], safe='')}"

    def secret(self) -> bytes:
        """What the header must say. Fault when others may read it."""
        path = Path(self.wire.home) / self.asked["secret_file"]
        if not path.is_file() or (os.name == "posix" and path.stat().st_mode & 0o077):
            raise Fault("E833", "others may read a secret, or it is not there", where=str(path), help=f"chmod 600 {path}")
        held: bytes = path.read_bytes().strip()
        if len(held) < 16:
            raise Usage("E881", "the secret of a subscription is too short", where=str(path), why="at least 16 characters")
        return held

    def probe(self) -> str:
        """The subscription's state at the server."""
        self.secret()
        note = self.ask("$status")
        return f"the subscription speaks of {note.since_start} events"

    def ask(self, what: str) -> Notification:
        """`$status` or `$events` of the subscription."""
        answer = self.server.get(f"{self.about}/{what}", ACCEPT)
        if answer.status != 200 or answer.kind not in KINDS:
            raise told(answer, self.server.host, "Subscription")
        found = read_notification(answer.body)
        if found is None:
            raise Fault("E844", "the answer is not FHIR", where=f"{self.server.host} Subscription", why="no status in it")
        return found

    def heard(self, body: bytes, memory: Memory) -> tuple[Haul, bool]:
        """What a notification brings, and whether something is missing. Usage for what is no notification."""
        note = read_notification(body)
        if note is None:
            raise Usage("E880", "not a notification", why="the first entry must be the subscription's status")
        place = Place(memory.bookmark())
        place.add(note.whole(), max([note.since_start, *note.events]))
        events = [Event("subscription", {"about": "handshake"})] if note.kind == "handshake" else []
        return Haul(messages=self.messages(note.entries), events=events, bookmark=place.kept()), place.behind

    def messages(self, entries: Iterable[Entry]) -> list[Message]:
        """The units of entries."""
        return [Message(wrapped(entry), "fhir", self.about) for entry in entries]

    def pull(self, memory: Memory) -> Iterator[Haul]:
        """Whatever the server counts and we have not: by `$events`, and by the focus of an event that says no more."""
        place = Place(memory.bookmark())
        note = self.ask("$status")
        place.add((), note.since_start)
        renewed = self.asked["renew"] and note.status == "error"
        if renewed:
            self.renew()
        while place.behind:
            first, last = place.last + 1, min(place.highest, place.last + AT_ONCE)
            query = urlencode({"eventsSinceNumber": first, "eventsUntilNumber": last, "content": "full-resource"})
            note = self.ask(f"$events?{query}")
            wanted = {number: focus for number, focus in note.events.items() if first <= number <= last}
            entries, here = list(note.entries), set(note.whole())
            for number, focus in wanted.items():
                if number not in here and focus:
                    entries += self.focus(focus)
            missing = [number for number in range(first, last + 1) if number not in wanted]
            place.add(range(first, last + 1))
            words = {"about": "events", "first": str(first), "last": str(last), "missing": str(len(missing))}
            yield Haul(messages=self.messages(entries), events=(Event("events-missed", words),), bookmark=place.kept())
        yield Haul(events=(Event("subscription", {"about": "renewed"}),) if renewed else (), bookmark=place.kept())

    def renew(self) -> None:
        """Ask for a new handshake: the resource as the server has it, with the header that it never gives back."""
        answer = self.server.get(self.about, ACCEPT)
        held = jsontext.loads(answer.body) if answer.status == 200 and answer.kind in KINDS else None
        if not isinstance(held, dict) or held.get("resourceType") != "Subscription" or not isinstance(held.get("channel"), dict):
            raise told(answer, self.server.host, "Subscription")
        name = "-".join(word.capitalize() for word in self.asked["header"].split("-"))
        channel = {**held["channel"], "header": [f"{name}: {self.secret().decode()}"]}
        body = jsontext.dumps({**{key: value for key, value in held.items() if key != "error"}, "status": "requested", "channel": channel})
        answer = self.server.ask("PUT", self.about, {"accept": ACCEPT, "content-type": "application/fhir+json"}, body)
        if answer.status not in (200, 201):
            raise told(answer, self.server.host, "Subscription")

    def focus(self, reference: str) -> list[Entry]:
        """The resource that an event is about; nothing where it is gone."""
        answer = self.server.get(self.server.resolve(reference), ACCEPT)
        if answer.status in (404, 410):
            kind, _, name = two(reference).partition("/")
            gone = jsontext.dumps({"request": {"method": "DELETE", "url": f"{kind}/{name}"}})
            return [Entry(gone, two(reference), deleted=True)] if answer.status == 410 else []
        if answer.status != 200 or answer.kind not in KINDS:
            raise told(answer, self.server.host, "focus of an event")
        return [Entry(answer.body.strip(), two(reference))]


Heard = Callable[[str, bytes], bool]
Secret = Callable[[str], tuple[str, bytes]]


def subscription_route(secret: Secret, heard: Heard, behind: Callable[[str], None], limit: int = LIMIT) -> Route:
    """`POST /notify/SOURCE`. `secret` gives header and value of a source (NotFound for none), `heard` lands a body and says whether
    something is missing, `behind` asks for it afterwards. 200 only when what came is durable; 503 when it cannot be made so."""

    async def endpoint(request: Request) -> Response:
        source = request.path_params["source"]
        try:
            header, value = secret(source)
        except NotFound as unknown:
            return problem(404, unknown)
        except Problem as broken:
            return problem(503, broken)
        if not hmac.compare_digest(request.headers.get(header, "").encode(), value):
            return problem(401, Problem("E882", "the notification does not say the secret", help="the Subscription's channel.header"))
        body = await whole(request.stream().__aiter__().__anext__, limit)
        if body is None:
            return problem(413, Problem("E262", "the body is too large", why=f"more than {limit} bytes", help="send it in parts"))
        try:
            missing = await run_in_threadpool(heard, source, body)
        except Usage as wrong:
            return problem(400, wrong)
        except Problem as failed:
            return problem(503, failed)
        return JSONResponse({"taken": True}, background=BackgroundTask(behind, source) if missing else None)

    return Route("/notify/{source}", endpoint, methods=["POST"])
