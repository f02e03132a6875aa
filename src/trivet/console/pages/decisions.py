"""Decisions: the list, and one decision as a timeline from the answer down to the byte; the way to see a name, with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from trivet.console.page import Page, Session, number
from trivet.flows.access import reveal as show_name
from trivet.flows.account_for import account_for, remains
from trivet.flows.replay import replay
from trivet.kernel.errors import NotFound
from trivet.kernel.ieee754 import float_of

__all__ = ["decision", "decisions", "replayed", "reveal"]

SECTION = "/decisions"


def decisions(session: Session, query: Mapping[str, str]) -> Page:
    """The newest decisions, filtered by what stands in the address."""
    names = ("use", "model", "outcome", "mode", "person")
    wanted = {name: query.get(name, "") for name in names}
    page = number(query, "page", 0, 1_000_000)
    found = session.rows("decisions", [word for name in names for word in (wanted[name], wanted[name])] + [page * 50])
    data = {
        "decisions": found,
        "filters": wanted,
        "choices": {name: [row["word"] for row in session.rows("decision_" + name)] for name in ("use", "model", "outcome", "mode")},
        "total": session.row("decisions_count")["decisions"],
        "page": page,
        "again": "".join(f"{name}={quote(word)}&" for name, word in wanted.items() if word),
        "zone": session.house.settings["site"]["zone"],
    }
    return Page("decisions.html", "Decisions", SECTION, data, cli="trivet query 'select * from decisions'")


def decision(session: Session, query: Mapping[str, str], id: str) -> Page:
    """One decision in full."""
    house = session.house
    crumbs = [("Overview", "/"), ("Decisions", SECTION), (id, "")]
    try:
        story: dict[str, Any] = account_for(house, id)
    except NotFound as gone:
        if gone.code != "E622":
            raise
        data = {"left": remains(house, id), "id": id, "zone": house.settings["site"]["zone"]}
        return Page("erased.html", id, SECTION, data, crumbs, f"trivet explain {id}")
    for fact in (fact for feature in story["features"] for fact in feature["facts"] if fact["record"].startswith("Patient/")):
        fact["value"] = "masked"  # of a person the page tells where it stands, not what it is; `trivet explain` records the access first
        fact["spans"] = [{**span, "text": "masked"} for span in fact["spans"]]
    banner = session.banner(query.get("_session", ""), story["record"]["person"])
    told = story["record"]["prediction"]
    reasons = [(name, f"{float_of(bits):+.4g}", how) for name, bits, how in told["reasons"]] if told else []
    data = {"story": story, "id": id, "reasons": reasons, "banner": banner, "replay": None, "zone": house.settings["site"]["zone"]}
    return Page("decision.html", id, SECTION, data, crumbs, f"trivet explain {id}")


def replayed(session: Session, query: Mapping[str, str], id: str) -> Page:
    """One decision, run again now, compared bit for bit."""
    page = decision(session, query, id)
    if page.template == "erased.html":
        return page
    page.data["replay"] = replay(session.house, id)
    page.cli = f"trivet replay {id}"
    return page


def reveal(session: Session, form: Mapping[str, str], *, who: str, person: str) -> Page:
    """Show a name for fifteen minutes: the reason goes into the ledger first."""
    shown = show_name(session.house, person, form.get("reason", ""), door="console", by=who)
    session.revealed[(who, person)] = (session.house.clock.now(), shown)
    back = form.get("back", "/decisions")
    return Page("", "", SECTION, {}, go=back if back.startswith("/") and not back.startswith("//") else "/decisions")
