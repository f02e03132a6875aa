"""Data: can I use this now? Checks with their rows, codes and units that wait for a person, doubtful links."""

from __future__ import annotations

from collections.abc import Mapping

from trivet.console.page import Page, Session
from trivet.flows import review as flow
from trivet.kernel.errors import NotFound, Usage

__all__ = ["check", "compare", "data", "decide", "review"]

SECTION = "/data"


def data(session: Session, query: Mapping[str, str]) -> Page:
    """Checks, the vocabulary queue, the review queue."""
    found = {
        "checks": session.rows("checks"),
        "notices": session.rows("notices"),
        "links": session.rows("links_waiting"),
        "totals": session.row("overview"),
        "zone": session.house.settings["site"]["zone"],
    }
    return Page("data.html", "Data", SECTION, found, cli="trivet check")


def check(session: Session, query: Mapping[str, str], id: str) -> Page:
    """One check, with the rows that break it."""
    found = next((row for row in session.rows("checks") if row["check_id"] == id), None)
    if found is None:
        raise NotFound("E709", f"no check {id}", help="trivet check")
    rows = session.rows("check_rows", (id,))
    crumbs = [("Overview", "/"), ("Data", SECTION), (id, "")]
    return Page("check.html", id, SECTION, {"check": found, "rows": rows}, crumbs, f"trivet check {id}")


def review(session: Session, query: Mapping[str, str], id: str) -> Page:
    """One doubt: are these two one person? What the records say is shown after a reason, for fifteen minutes."""
    asked = flow.doubt(session.house, numbered(id))
    del asked["evidence"]  # it says which names agreed
    shown = session.shown(query.get("_session", ""), f"review {asked['review']}")
    crumbs = [("Overview", "/"), ("Data", SECTION), (f"Doubt {id}", "")]
    return Page("review.html", f"Doubt {id}", SECTION, {"asked": asked, "shown": shown}, crumbs, f"trivet link --confirm {id}")


def compare(session: Session, form: Mapping[str, str], *, who: str, id: str) -> Page:
    """Show both records for fifteen minutes: the reason goes into the ledger first."""
    found = flow.compare(session.house, numbered(id), form.get("reason", ""), door="console", by=who)
    session.revealed[(who, f"review {numbered(id)}")] = (session.house.clock.now(), found)
    return Page("", "", SECTION, {}, go=f"/data/reviews/{numbered(id)}")


def decide(session: Session, form: Mapping[str, str], *, who: str, id: str) -> Page:
    """Say that they are one person, or that they are not, as `trivet link` does."""
    if form.get("verdict") not in ("same", "different"):
        raise Usage("E762", "one person, or two?", help=f"trivet link --confirm {numbered(id)} --actor NAME --reason WHY")
    actor, reason = form.get("actor", "").strip(), form.get("why", "").strip()
    flow.decide(session.house, numbered(id), same=form["verdict"] == "same", actor=actor, reason=reason)
    session.revealed.pop((who, f"review {numbered(id)}"), None)
    return Page("", "", SECTION, {}, go=SECTION + "#persons")


def numbered(id: str) -> int:
    """The number in an address. NotFound for what is none."""
    if not (id.isascii() and id.isdigit() and len(id) < 16):
        raise NotFound("E282", f"no review {id}", help="trivet link --json")
    return int(id)
