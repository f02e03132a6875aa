"""The first page: four sentences with a number, and what needs a decision, worst first. And the one act that must never wait: suspend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trivet.console.page import Page, Session
from trivet.console.pages.outbox import stuck
from trivet.console.pages.sources import every
from trivet.flows.suspend import suspend as stop
from trivet.kernel.errors import Usage

__all__ = ["needs", "overview", "suspend"]

RANK = {"harm": 0, "blind": 1, "waiting": 2, "debt": 3}

VACANT = (
    ("harm", True, "the gate refuses a model without the people who answer for it"),
    ("waiting", False, "it goes on answering; its next gate cannot be passed without this vote"),
)


def need(rank: str, what: str, why: str, link: str, action: str) -> dict[str, Any]:
    """One line of the list."""
    return {"rank": rank, "what": what, "why": why, "link": link, "action": action}


def needs(session: Session) -> list[dict[str, Any]]:
    """What a person must decide, worst first: each line from the running home, each a link to its rows."""
    house = session.house
    state = house.office.state()
    site = house.settings["site"]["id"]
    found = []
    for name, halted in state.suspensions().items():
        found.append(need("harm", f"{name} stands still", halted.reason, f"/models/{name}", "resume or retire it"))
    for row in every(session):
        if row["state"] == "silent":
            found.append(
                need(
                    "blind",
                    f"{row['source']} is silent",
                    f"last heard {row['last_at'][:16].replace('T', ' ')} UTC",
                    f"/sources/{row['source']}",
                    "call its owner",
                )
            )
        if not row["owner"]:
            found.append(
                need(
                    "debt",
                    f"{row['source']} has no owner",
                    f"{row['landed']:,} receipts rest on nobody",
                    f"/sources/{row['source']}",
                    "name an owner",
                )
            )
        elif not row["documented"]:
            found.append(
                need(
                    "debt",
                    f"{row['source']} is undocumented",
                    f"{row['landed']:,} receipts without a contract",
                    f"/sources/{row['source']}",
                    "write the contract",
                )
            )
    for model in sorted({release.model for release in state.releases()}):
        for rank, blocks, why in VACANT:
            vacant = [
                seat["title"] for seat in house.office.seats.board(model) if not seat["principal"] and seat["blocks_serving"] is blocks
            ]
            if vacant:
                what = f"{model} has nobody as {', '.join(vacant).lower()}"
                found.append(need(rank, what, why, f"/models/{model}", "fill the seat"))
        missing = [item for item in house.office.ballot(model, site).failing if "vote" in item.code]
        if missing:
            found.append(
                need(
                    "waiting",
                    f"{model} waits for {len(missing)} vote{'s' if len(missing) > 1 else ''}",
                    missing[0].text,
                    f"/models/{model}",
                    "vote",
                )
            )
    for row in session.rows("checks_failing"):
        rank = "harm" if row["severity"] == "error" else "debt"
        found.append(
            need(
                rank,
                f"check {row['check_id']} {'is not run' if row['verdict'] == 'not-run' else 'fails'}",
                row["said"] or f"{row['failing']:,} of {row['total']:,} rows",
                f"/data/checks/{row['check_id']}",
                "open the rows",
            )
        )
    found += [need("harm", what, why, "/outbox", action) for what, why, action in stuck(session)]
    waiting = session.row("review_waiting")["links"]
    if waiting:
        found.append(need("waiting", f"{waiting:,} doubtful links of persons", "nobody is merged on a guess", "/data#persons", "review"))
    return sorted(found, key=lambda item: RANK[item["rank"]])


def overview(session: Session, query: Mapping[str, str]) -> Page:
    """Is our AI safe, trusted and worth it, today?"""
    counts = session.once("overview", lambda: session.row("overview"))
    site = session.house.settings["site"]
    data = {
        "counts": counts,
        "needs": session.once("needs", lambda: needs(session)),
        "figures": session.once("headlines", lambda: headlines(session, counts)),
        "zone": site["zone"],
    }
    return Page("overview.html", "Overview", "/", data, cli="trivet readiness")


def headlines(session: Session, counts: Mapping[str, Any]) -> list[dict[str, str]]:
    """The four sentences. A number that is not known says so in words."""
    desk = session.house.role("assessment")
    control = desk.readiness().control
    owed, returns = desk.debt(), desk.value()
    currency, sums = next(iter(owed["totals"].items()), ("", {"principal": "0", "interest": "0", "items": "0"}))
    proven = [one for one in returns if one.verdict == "realised"]
    checks = f"{100 * counts['passing'] / counts['checks']:.0f} %" if counts["checks"] else "not measured"
    return [
        {
            "name": "Under control",
            "value": f"{control.value} %" if control.value else "not known",
            "text": f"{control.good:,} of {control.n:,} decisions of the last 24 hours: granted, recorded, freshly proven, all duties held",
            "link": f"/n/{control.id}",
        },
        {
            "name": "Trusted",
            "value": checks,
            "text": f"{counts['passing']:,} of {counts['checks']:,} checks on the data hold; {counts['uncovered']:,} fields await a rule",
            "link": "/data",
        },
        {
            "name": "Owed",
            "value": f"{float(sums['interest']):,.0f} {currency}",
            "text": f"a month for {sums['items']} items of technical debt; {float(sums['principal']):,.0f} {currency} would pay them off",
            "link": "/worth#debt",
        },
        {
            "name": "Worth it",
            "value": f"{len(proven)} of {len(returns)}",
            "text": "uses have a return that is proven; for the others the page says what is missing",
            "link": "/worth#value",
        },
    ]


def suspend(session: Session, form: Mapping[str, str], *, who: str, name: str) -> Page:
    """Stop a model at once, as `trivet suspend` does."""
    reason = form.get("reason", "").strip()
    if not reason:
        raise Usage("E708", "a reason is needed", help=f"trivet suspend {name} --reason WHY")
    stop(session.house, name, reason, by="console:" + who)
    return Page("", "", "/models", {}, go=f"/models/{name}")
