"""Value, debt and readiness: did it pay, what do we owe, what is ready; and any one figure opened into its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from trivet.console.charts import forest
from trivet.console.page import Page, Session
from trivet.kernel.errors import NotFound

__all__ = ["figure", "worth"]

SECTION = "/worth"


def worth(session: Session, query: Mapping[str, str]) -> Page:
    """The three ledgers of a board, computed."""
    desk = session.house.role("assessment")
    ready, owed = session.once("ready", desk.readiness), session.once("owed", desk.debt)
    returns = [asdict(one) for one in session.once("returns", desk.value)]
    known = [one for one in returns if one["gross"] and one["gross_low"] and one["gross_high"]]
    rows = [(one["use"], float(one["gross"]), float(one["gross_low"]), float(one["gross_high"])) for one in known]
    data = {
        "ready": asdict(ready),
        "owed": {**owed, "items": [asdict(item) for item in owed["items"]]},
        "returns": returns,
        "chart": forest(rows, "benefit of each use with its interval", known[0]["currency"] if known else ""),
        "zone": session.house.settings["site"]["zone"],
    }
    return Page("worth.html", "Value and debt", SECTION, data, cli="trivet value")


def figures(session: Session) -> dict[str, dict[str, Any]]:
    """Every readiness figure by its id."""
    ready = session.house.role("assessment").readiness()
    found = [ready.control, *(one for domain in ready.domains for one in domain.figures)]
    return {one.id: asdict(one) for one in found}


def figure(session: Session, query: Mapping[str, str], name: str) -> Page:
    """One figure: its definition, its counts, its rows."""
    found = figures(session).get(name)
    if found is None:
        raise NotFound("E751", f"no figure {name}", help="trivet readiness")
    columns = list(dict.fromkeys(column for row in found["rows"] for column in row))
    data = {"figure": found, "columns": columns, "rows": found["rows"][:200]}
    crumbs = [("Overview", "/"), ("Value and debt", SECTION), (found["title"], "")]
    return Page("figure.html", found["title"], SECTION, data, crumbs, f"trivet readiness --rows {name}")
