"""Sources, one source, one message: is each feed alive, what does it carry, what became of every field and every byte."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from trivet.console.bytesview import Byte, bytes_view
from trivet.console.charts import strip
from trivet.console.page import Page, Session, number
from trivet.kernel.clock import instant, parse_instant
from trivet.kernel.errors import NotFound

__all__ = ["message", "source", "sources"]

DAYS = 28
SECTION = "/sources"


def state_of(row: dict[str, Any], expected: int, now: str) -> str:
    """`silent` when the feed is older than the site expects it to be, `error` when its receipts do not add up."""
    if row["mapped"] + row["quarantined"] + row["ignored"] + row["in_flight"] != row["landed"]:
        return "error"
    if not row["last_at"]:
        return "never heard"
    if not expected:
        return "active"
    quiet = (parse_instant(now) - parse_instant(row["last_at"])).total_seconds()
    return "silent" if quiet > expected else "active"


def every(session: Session) -> list[dict[str, Any]]:
    """All sources with their state, strip and account of fields."""
    house = session.house
    now = house.clock.now()
    first = instant(parse_instant(now) - timedelta(days=DAYS - 1))[:10]
    days: dict[str, Counter[str]] = defaultdict(Counter)
    for row in session.rows("source_days", (first, now)):
        days[row["source"]][row["day"]] = row["receipts"]
    axis = [instant(parse_instant(now) - timedelta(days=back))[:10] for back in range(DAYS - 1, -1, -1)]
    fates: dict[str, Counter[str]] = defaultdict(Counter)
    for row in session.rows("coverage_totals"):
        fates[row["source"]][row["disposition"]] = row["elements"]
    found = session.rows("sources")
    for row in found:
        settings = house.settings["sources"].get(row["source"], {})
        row["state"] = state_of(row, settings.get("expected_every", 0), now)
        row["owner"] = "" if row["owner"] == "unknown" else row["owner"]
        row["strip"] = strip([(day, days[row["source"]][day]) for day in axis], f"receipts of {row['source']} a day")
        row["fates"] = dict(fates[row["source"]])
        row["elements"] = sum(row["fates"].values())
        row["covered"] = row["elements"] - row["fates"].get("uncovered", 0)
    return found


def sources(session: Session, query: Mapping[str, str]) -> Page:
    """The list of feeds."""
    found = every(session)
    return Page(
        "sources.html", "Sources", SECTION, {"sources": found, "zone": session.house.settings["site"]["zone"]}, cli="trivet reconcile"
    )


def source(session: Session, query: Mapping[str, str], name: str) -> Page:
    """One feed: its register entry, its sum, every place in its messages and what becomes of it, its receipts."""
    found = next((row for row in every(session) if row["source"] == name), None)
    if found is None:
        raise NotFound("E701", f"no source named {name}", help="trivet reconcile")
    state, page = query.get("state", ""), number(query, "page", 0, 100_000)
    coverage = session.rows("source_coverage", (name,))
    fates = sorted(found["fates"].items())
    data = {
        "source": found,
        "state": state,
        "page": page,
        "fates": fates,
        "total": found["elements"],
        "coverage": coverage[:200],
        "places": len(coverage),
        "messages": session.rows("source_messages", (name, state, state, state, page * 50)),
        "zone": session.house.settings["site"]["zone"],
    }
    crumbs = [("Overview", "/"), ("Sources", SECTION), (name, "")]
    cli = f"trivet query \"select * from messages where source = '{name}'\""
    return Page("source.html", name, SECTION, data, crumbs, cli)


def message(session: Session, query: Mapping[str, str], receipt: str) -> Page:
    """One receipt: its bytes with what is personal masked in place, the marked span, its records, its ledger proof."""
    number_ = int(receipt) if receipt.isdigit() else -1
    found = session.rows("message", (number_,))
    if not found:
        raise NotFound("E702", f"no receipt {receipt}", help="trivet query 'select receipt from messages'")
    start, length = number(query, "o", 0, 1 << 30), number(query, "l", 0, 1 << 30)
    records = session.rows("message_records", (number_,))
    view: list[Byte] = bytes_view(session.house, number_, [(row["key"], row["version"]) for row in records], start, length)
    data = {
        "message": found[0],
        "records": records,
        "pieces": view,
        "mark": {"start": start, "length": length, "locator": query.get("at", "")},
        "entry": session.house.ledger.entry(number_),
        "zone": session.house.settings["site"]["zone"],
    }
    crumbs = [("Overview", "/"), ("Sources", SECTION), (found[0]["source"], f"/sources/{found[0]['source']}"), (f"receipt {receipt}", "")]
    return Page("message.html", f"Receipt {receipt}", SECTION, data, crumbs, f"trivet ledger prove {receipt}")
