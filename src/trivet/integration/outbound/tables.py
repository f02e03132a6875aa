"""The tables that say what goes out and what an answer means: `maps/outbound`, approved by people who do not program.

In: CSV texts. Out: rules, read once, first fitting row wins. Refused: columns, words or numbers that nobody defined.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from trivet.contracts.outgoing import EVENTS
from trivet.kernel.errors import Usage
from trivet.kernel.resources import text

__all__ = ["Destination", "Meaning", "Route", "Routing", "read_routing", "reply_means", "status_means"]

RESULTS = ("delivered", "later", "never")


@dataclass(frozen=True, slots=True)
class Destination:
    """Somewhere that messages go. `uses` names uses, `*` is all; `withheld`: does it ask to be told that there is no answer;
    `events`: what it wants to hear of."""

    name: str
    uses: tuple[str, ...]
    withheld: bool = False
    events: tuple[str, ...] = EVENTS


class Route(NamedTuple):
    """One row of the routing table."""

    destination: str
    use: str
    event: str
    send: str
    status: str


class Meaning(NamedTuple):
    """What an answer means: a result, and how many times it is worth trying (0: for ever)."""

    result: str
    tries: int


@dataclass(frozen=True, slots=True)
class Routing:
    """What goes out about which use to whom, and with which result status."""

    rows: tuple[Route, ...]

    def status(self, to: Destination, use: str, event: str) -> str:
        """The result status under which this goes to that destination; empty when it does not go."""
        if event not in to.events or ("*" not in to.uses and use not in to.uses):
            return ""
        for row in self.rows:
            if row.destination in ("*", to.name) and row.use in ("*", use) and row.event in ("*", event):
                goes = row.send == "yes" or (row.send == "asked" and to.withheld)
                return row.status if goes else ""
        return ""


def read_routing(site: str = "", where: str = "site/outbound/routing.csv") -> Routing:
    """The shipped table, the site's rows before it. Usage E850 names the row that cannot be read."""
    return Routing((*_routes(site, where), *_routes(text("trivet.maps", "outbound", "routing.csv"), "routing.csv")))


def _routes(content: str, where: str) -> list[Route]:
    found = []
    for number, row in enumerate(csv.DictReader(io.StringIO(content)), 2):
        route = Route(*((row.get(name) or "").strip() for name in Route._fields))
        fits = route.event in ("*", *EVENTS) and route.send in ("yes", "no", "asked") and bool(route.destination and route.use)
        if not fits or (route.send != "no" and route.status not in ("P", "F", "C", "X")):
            why = "columns: destination, use, event (issued, corrected, withheld, *), send (yes, no, asked), status (P, F, C, X), text"
            raise Usage("E850", "a row of the routing table cannot be read", where=f"{where}:{number}", why=why)
        found.append(route)
    return found


@cache
def _meanings(name: str, key: str) -> dict[str, Meaning]:
    rows = csv.DictReader(io.StringIO(text("trivet.maps", "outbound", name)))
    return {row[key]: Meaning(row["result"], int(row["tries"] or 0)) for row in rows}


def reply_means(code: str) -> Meaning:
    """What an acknowledgement code of HL7 table 0008 means."""
    held = _meanings("replies.csv", "code")
    return held.get(code) or held["*"]


def status_means(status: int) -> Meaning:
    """What an HTTP status means."""
    held = _meanings("statuses.csv", "status")
    keys: Sequence[str] = (str(status), f"{status // 100}xx", "*")
    return next(held[key] for key in keys if key in held)
