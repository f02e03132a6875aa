"""Out: does everybody who must hear of a decision hear of it, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trivet.console.page import Page, Session
from trivet.kernel.clock import parse_instant

__all__ = ["outbox", "stuck"]

SECTION = "/outbox"
BLANK = {"waiting": 0, "delivered": 0, "dead": 0, "held": 0, "oldest": None, "last_delivered": None, "reason": ""}


def age(since: str | None, now: str) -> str:
    """How long something has waited, in the largest unit that fits."""
    if not since:
        return ""
    seconds = max(0, int((parse_instant(now) - parse_instant(since)).total_seconds()))
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"


def state_of(row: Mapping[str, Any]) -> str:
    """One word for a destination."""
    if row["waiting"] and row["reason"]:
        return "failed"
    return "waiting" if row["waiting"] else "active" if row["delivered"] else "idle"


def every(session: Session) -> list[dict[str, Any]]:
    """All destinations, those of the settings first, with how they stand."""
    house = session.house
    named = {name: entry for name, entry in house.settings["destinations"].items() if entry["kind"] != "subscriptions"}
    found = {row["destination"]: row for row in session.rows("outbox_totals")}
    rows = [{"destination": name, **BLANK, **found.pop(name, {})} for name in named]
    for row in [*rows, *found.values()]:
        entry = named.get(row["destination"], {})
        row |= {"kind": entry.get("kind", "subscription"), "url": entry.get("url", ""), "owner": entry.get("owner", "")}
        row |= {"state": state_of(row), "age": age(row["oldest"], house.clock.now())}
        row["owner"] = "" if row["owner"] == "unknown" else row["owner"]
    return [*rows, *found.values()]


def stuck(session: Session) -> list[tuple[str, str, str]]:
    """(what, why, what to do) of every destination at which something stands that nobody will move."""
    told = []
    for row in every(session):
        if row["dead"] or row["held"]:
            told.append(
                (
                    f"{row['dead'] + row['held']:,} messages for {row['destination']} stand still",
                    "refused, or their model is suspended",
                    "look and resend",
                )
            )
        if row["state"] == "failed":
            told.append(
                (
                    f"{row['destination']} does not take messages",
                    f"{row['reason']}, {row['waiting']:,} wait, the oldest for {row['age']}",
                    "call its owner",
                )
            )
    return told


def outbox(session: Session, query: Mapping[str, str]) -> Page:
    """Every destination, what needs a person, who subscribed."""
    state = query.get("state", "")
    data = {
        "destinations": every(session),
        "messages": session.rows("outbox_messages", (state, state)),
        "state": state,
        "subscriptions": session.rows("subscriptions"),
        "zone": session.house.settings["site"]["zone"],
    }
    return Page("outbox.html", "Out", SECTION, data, cli="trivet outbox list")
