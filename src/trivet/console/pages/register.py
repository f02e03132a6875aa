"""The register: every interface that traffic or an export describes; one feed with all that its traffic writes about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from trivet.console.charts import strip
from trivet.console.page import Page, Session

__all__ = ["interfaces", "register"]

SECTION = "/sources"
DAYS = 56


def register(session: Session, query: Mapping[str, str], name: str) -> Page:
    """Types, parts, fields, value sets, volumes, silence and drift of a feed. NotFound when there is no such feed."""
    since, until = query.get("since", ""), query.get("until", "")
    document: dict[str, Any] = session.once(
        f"register {name} {since} {until}", lambda: session.house.role("register").document(name, since, until)
    )
    forms = [{**form, "days": volume(form["traffic"], document["made_at"][:10])} for form in document["formats"]]
    span = " to ".join(part for part in (since, until) if part) or "all days"
    crumbs = [("Overview", "/"), ("Sources", SECTION), (name, f"{SECTION}/{name}"), ("register", "")]
    data = {"document": {**document, "formats": forms}, "span": span}
    return Page("register.html", f"Register of {name}", SECTION, data, crumbs, f"trivet register show {name}")


def interfaces(session: Session, query: Mapping[str, str]) -> Page:
    """Every interface: feeds by their traffic, and what exports of interface engines describe, with findings and their places."""
    rows: list[dict[str, Any]] = session.once("interfaces", lambda: session.house.role("register").listing())
    data = {
        "feeds": [row for row in rows if row["origin"] == "traffic"],
        "described": session.rows("register_interfaces"),
        "findings": session.rows("register_findings"),
        "exports": session.rows("register_exports"),
        "zone": session.house.settings["site"]["zone"],
    }
    crumbs = [("Overview", "/"), ("Sources", SECTION), ("register", "")]
    return Page("interfaces.html", "Interface register", SECTION, data, crumbs, "trivet register list")


def volume(traffic: Mapping[str, Any], today: str) -> Any:
    """Units a day as a strip, silent days crossed out: the last eight weeks."""
    counts = {day["day"]: day["units"] for day in traffic["days"]}
    axis = [(date.fromisoformat(today) - timedelta(days=back)).isoformat() for back in range(DAYS - 1, -1, -1)]
    return strip([(day, counts.get(day, 0)) for day in axis], f"units a day, the last {DAYS} days")
