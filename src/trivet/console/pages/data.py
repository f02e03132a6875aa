"""Data: can I use this now? Checks with their rows, codes and units that wait for a person, doubtful links."""

from __future__ import annotations

from collections.abc import Mapping

from trivet.console.page import Page, Session
from trivet.kernel.errors import NotFound

__all__ = ["check", "data"]

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
