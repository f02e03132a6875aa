"""A ward whose decisions go out: outbox, destinations and couriers over the real store, vault and ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from office_house import Ward
from trivet.contracts.decision import DecisionRecord
from trivet.contracts.outgoing import Occasion, Seat, Sink
from trivet.governance.state import State
from trivet.integration.outbound.courier import Courier, Pace
from trivet.integration.outbound.oru import OruSink
from trivet.integration.outbound.outbox import Message, Outbox
from trivet.integration.outbound.tables import Destination, read_routing
from trivet.integration.outbound.webhook import WebhookSink
from trivet.integration.outbound.writeback import WriteBackSink

SYSTEM = "urn:hospital:mrn"
KEY = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY="
KINDS: dict[str, Callable[[Seat], Sink]] = {"hl7v2": OruSink, "fhir": WriteBackSink, "webhook": WebhookSink}


def patient(person: str) -> dict[str, Any]:
    """The record of a person."""
    name = {"family": "O|Brien", "given": ["Åsa", "M"]}
    return {
        "resourceType": "Patient",
        "identifier": [{"system": SYSTEM, "value": f"MRN-{person}"}],
        "name": [name],
        "birthDate": "1950-02-03",
        "gender": "female",
    }


class Yard(Ward):
    """A ward with destinations. `readmit-gb` answers for readmission, `lace` stands behind it."""

    def __init__(self, folder: Path, destinations: tuple[Destination, ...], routing: str = "") -> None:
        super().__init__(folder)
        stopped: Callable[[Any], frozenset[str]] = lambda tx: frozenset(State(tx.execute).suspensions())  # noqa: E731
        self.outbox = Outbox(
            self.store, self.vault, self.ledger, self.clock, read_routing(routing), lambda tx: destinations, stopped, "north/test"
        )
        self.said: list[str] = []
        if not self.store.read("SELECT 1 FROM model_release LIMIT 1"):
            self.people()
            self.bring_live("readmit-gb")
            self.bring_live("lace", place="fallback")

    def tell(self, message: Message, record: DecisionRecord) -> Occasion:
        """The occasion of a message, with a patient by hand."""
        names = (message.destination, message.number, message.key, message.event, message.status, message.thread, message.earlier)
        return Occasion(*names, message.at, record.site, record, "Will this patient come back?", "score", (patient(record.person),))

    def courier(self, name: str, kind: str, url: str, *, seconds: float = 2.0, key: str = "", **options: Any) -> Courier:
        """A courier whose pauses are short."""
        seat = Seat(name, url, "north", seconds, options, (lambda: tuple(key.split(","))) if key else tuple, time.time)
        pace = Pace(look=0.02, first=0.05, most=0.2)
        return Courier(name, self.outbox, self.store, self.tell, lambda: KINDS[kind](seat), pace, self.said.append)

    def states(self, name: str = "") -> list[tuple[int, str, str]]:
        """(number, state, reason) of every message."""
        return [(one.number, one.state, one.reason) for one in self.outbox.messages(name, limit=10_000)]

    def kinds(self) -> list[tuple[str, str, str]]:
        """(kind, number, reason or attempt) of every entry about something that goes out."""
        found = []
        for seq in range(self.ledger.size()):
            entry = self.ledger.entry(seq)
            if entry["kind"] in ("sent", "acknowledged", "unacknowledged", "outbox"):
                found.append((entry["kind"], entry["notes"]["number"], entry["notes"].get("reason", entry["notes"].get("attempt", ""))))
        return found
