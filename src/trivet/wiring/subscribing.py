"""Subscriptions of a house: who may subscribe, the door they come to, and the thread that shakes hands and keeps alive.

In: destinations of kind `subscriptions`. Out: routes for `trivet up`; a courier for each subscription that is active. Refused: a client
without a token, because its door would stand open.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from starlette.routing import Route

from trivet.contracts.house import House
from trivet.contracts.outgoing import Seat
from trivet.contracts.trace import Entry
from trivet.governance.state import State
from trivet.integration.outbound.courier import Courier, Pace
from trivet.integration.outbound.desk import Desk
from trivet.integration.outbound.fhirdoor import fhir_routes, replay_route
from trivet.integration.outbound.notification import NotificationSink, bundle, readable
from trivet.integration.outbound.options import checked, read_secrets
from trivet.integration.outbound.outbox import Message
from trivet.integration.outbound.subscriptions import CONTENTS, Client, Subscription, Subscriptions
from trivet.integration.outbound.webhook import verified
from trivet.integration.outbound.wire import TLS
from trivet.kernel.digest import canonical
from trivet.kernel.errors import NotFound, Problem, Rejected, Usage
from trivet.kernel.jsontext import dumps, loads
from trivet.wiring.occasions import occasion

__all__ = ["KIND", "Hands", "door_routes", "subscriptions"]

KIND = "subscriptions"
DEFAULTS: dict[str, Any] = {"content": "id-only", "patient_system": "", "base": "", "failures": 10, **TLS}


def subscriptions(house: House) -> Subscriptions:
    """Who subscribed to what."""
    return Subscriptions(house.store, house.vault, house.ledger, house.clock)


def offers(house: House) -> dict[str, dict[str, Any]]:
    """Destinations of kind `subscriptions` with their checked options. Usage E852 for one without a secret."""
    found = {}
    for name, entry in house.settings["destinations"].items():
        if entry["kind"] != KIND:
            continue
        where = f"destinations.{name}"
        options = checked(Seat(name, entry["url"], "", 0.0, entry["options"]), DEFAULTS)
        if not entry["secret"]:
            raise Usage("E852", "a subscriber needs a token", where=where, help='secret = "keys/NAME.token"')
        if options["content"] not in CONTENTS or (options["content"] == "full-resource" and not options["patient_system"]):
            raise Usage("E852", "content is empty, id-only or full-resource, which needs patient_system", where=where)
        found[name] = {**entry, "options": options}
    return found


def base_of(house: House, options: Mapping[str, Any]) -> str:
    """Where our own resources stand, as the subscriber reaches us."""
    scheme = "https" if house.settings["doors"]["tls_certificate"] else "http"
    return str(options["base"]).rstrip("/") or f"{scheme}://{house.settings['doors']['http']}/fhir"


def stopped(house: House, message: Message) -> bool:
    """Does the message say what a model said that stands still now, or what its person refuses by now?"""
    if message.event == "withheld":
        return False
    if message.model in State(house.store.read).suspensions():
        return True
    try:
        record = house.role("outbox").record(message)
    except NotFound:
        return True
    return bool(house.role("access").refuses(record.person, record.purpose))


def accessed(house: House, client: str, decisions: Sequence[str]) -> None:
    """Write down that a client reads decisions, before it is given them."""
    at = house.clock.now()

    def work(tx: Any) -> None:
        blob = house.vault.put(tx, canonical({"client": client, "decisions": list(decisions), "at": at}), holder="house", kind="access")
        notes = {"door": "fhir", "reason": "subscription", "client": client, "decisions": str(len(decisions)), "blob": blob}
        house.ledger.append(tx, [Entry("access", at, commitments={"access": house.vault.commit(blob)}, notes=notes)])

    house.store.write(work)


def door_routes(house: House) -> list[Route]:
    """The routes that the destinations of this house call for; none when nothing does."""
    offered = offers(house)
    outbox = house.role("outbox")
    routes: list[Route] = []
    if any(entry["kind"] == "webhook" for entry in house.settings["destinations"].values()):
        routes.append(replay_route(partial(missed, house)))
    if not offered:
        return routes
    clients = {name: Client(name, entry["url"], tuple(entry["uses"]), entry["options"]["content"]) for name, entry in offered.items()}

    def shown(message: Message, client: str) -> dict[str, Any] | None:
        try:
            made = readable(occasion(house, message, outbox.record(message)), offered[client]["options"]["patient_system"])
        except NotFound:
            return None
        return None if isinstance(made, Rejected) else made

    def tokens() -> dict[str, tuple[str, ...]]:
        return {name: read_secrets(Path(house.home) / entry["secret"]) for name, entry in offered.items()}

    tokens()
    base = base_of(house, next(iter(offered.values()))["options"])
    desk = Desk(house.role("subscriptions"), outbox, clients, base, house.clock, shown, partial(accessed, house), partial(stopped, house))
    return [*routes, *fhir_routes(desk, tokens)]


def missed(house: House, name: str, headers: Mapping[str, str], target: str, since: int, until: int) -> dict[str, Any] | None:
    """What a webhook's receiver missed: bodies as they were sent; None when the request is not signed with its key."""
    entry = house.settings["destinations"].get(name)
    if entry is None or entry["kind"] != "webhook" or not entry["secret"]:
        return None
    given = [headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature")]
    secrets = read_secrets(Path(house.home) / entry["secret"])
    if not verified(secrets, given[0], given[1], given[2], target.encode(), time.time()):
        return None
    outbox, events = house.role("outbox"), []
    last = outbox.last(name)
    for one in outbox.between(name, since, min(until, last), 100):
        told: dict[str, Any] = {"event": one.number, "id": one.key, "state": one.state}
        if one.blob and one.state in ("delivered", "dead", "waiting", "sending") and not stopped(house, one):
            try:
                told["body"] = loads(outbox.body(one))
            except NotFound:
                told["state"] = "erased"
        events.append(told)
    return {"destination": name, "last": last, "events": events}


class Hands:
    """Looks after every subscription: handshake when requested, a courier while active, heartbeats, error after too many failures."""

    def __init__(self, house: House, take_on: Callable[[str, Courier], None], report: Callable[[str], None], every: float = 0.25) -> None:
        self.house, self.take_on, self.report, self.every = house, take_on, report, every
        self.offered = offers(house)
        self.couriers: dict[str, tuple[Courier, Subscription]] = {}
        self.beats: dict[str, float] = {}
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run, name="outbox-subscriptions", daemon=True)

    def start(self) -> None:
        """Begin, when there is anything to look after."""
        if self.offered:
            self.thread.start()

    def stop(self) -> None:
        """End. The couriers end with the others."""
        self.ending.set()
        if self.thread.is_alive():
            self.thread.join(5.0)

    def _run(self) -> None:
        while not self.ending.is_set():
            for one in self.house.role("subscriptions").all():
                if one.client in self.offered and not self.ending.is_set():
                    self._look_safely(one)
            self.ending.wait(self.every)

    def _look_safely(self, one: Subscription) -> None:
        try:
            self._look(one)
        except Problem as problem:  # a store that is locked, a TLS file that is gone: said, and looked at again
            self.report(f"outbox {one.destination}: {problem.code} {problem.what}")

    def _look(self, one: Subscription) -> None:
        rows = self.house.role("subscriptions")
        if one.ends_at and one.ends_at <= self.house.clock.now() and one.status != "off":
            rows.status(one.id, "off", "ended")
            return
        running = self.couriers.get(one.id)
        if running is not None and (one.status != "active" or running[1].blob != one.blob):
            running[0].stopping.set()
            del self.couriers[one.id]
        if one.status == "requested":
            self._shake(one)
        elif one.status == "active":
            self._keep(one)

    def _shake(self, one: Subscription) -> None:
        """The handshake: only an endpoint that answers it is sent anything."""
        came = self._post(one, "handshake")
        if self.house.role("subscriptions").one(one.id).status == "requested":
            self.house.role("subscriptions").status(one.id, "active" if came == "" else "error", came)
        if came:
            self.report(f"outbox {one.destination}: no handshake: {came}")

    def _keep(self, one: Subscription) -> None:
        if one.id not in self.couriers:
            entry = self.offered[one.client]
            pace = Pace(first=max(0.05, entry["retry_first"]), most=max(0.05, entry["retry_most"]))
            tell = partial(occasion, self.house)
            made = Courier(one.destination, self.house.role("outbox"), self.house.store, tell, partial(self._sink, one), pace, self.report)
            self.couriers[one.id] = (made, one)
            self.beats[one.id] = time.monotonic()
            self.take_on(one.destination, made)
        courier = self.couriers[one.id][0]
        if courier.failures >= self.offered[one.client]["options"]["failures"]:
            self._give_up(one, self.house.role("outbox").head(one.destination))
        elif one.heartbeat and time.monotonic() - self.beats[one.id] >= one.heartbeat:
            self.beats[one.id] = time.monotonic()
            came = self._post(one, "heartbeat")
            if came:
                self._give_up(one, None, came)

    def _give_up(self, one: Subscription, message: Message | None, reason: str = "") -> None:
        """Too many failures: `error`, until the subscriber asks for a new handshake. What waits, waits."""
        self.house.role("subscriptions").status(one.id, "error", reason or (message.reason if message else "") or "no-answer")
        self.report(f"outbox {one.destination}: in error, waits for its subscriber")

    def _sink(self, one: Subscription) -> NotificationSink:
        entry = self.offered[one.client]
        channel = self.house.role("subscriptions").resource(one)["channel"]
        seconds = float(min(entry["timeout"], one.timeout or entry["timeout"]))
        options = {key: value for key, value in entry["options"].items() if key in (*TLS, "patient_system")}
        seat = Seat(one.destination, channel["endpoint"], self.house.settings["site"]["id"], seconds, options, tuple, time.time)
        return NotificationSink(seat, one, base_of(self.house, entry["options"]), channel.get("header") or ())

    def _post(self, one: Subscription, kind: str) -> str:
        """Send a notification without events. Empty when it was taken, else why not."""
        base = base_of(self.house, self.offered[one.client]["options"])
        last = self.house.role("outbox").last(one.destination)
        sink = self._sink(one)
        came = sink.post(dumps(bundle(one, base, kind, self.house.clock.now(), last)))
        sink.close()
        return "" if came.result == "delivered" else came.reason
