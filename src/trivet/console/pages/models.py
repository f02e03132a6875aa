"""Models: which AI runs where, on whose authority, until when; and one model with its seats, its grant, its evidence, its votes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from trivet.console.page import Page, Session
from trivet.contracts.governance import Grant, Release, Route
from trivet.kernel.errors import NotFound

__all__ = ["model", "models"]

SECTION = "/models"


def living(grants: list[Grant], now: str) -> Grant | None:
    """The grant that stands now, the newest when there are several."""
    return next((grant for grant in reversed(grants) if not grant.revoked_at and grant.not_before <= now < grant.expires_at), None)


def place(route: Route, release: Release) -> str:
    """The part a release plays in a route."""
    if route.active is not None and route.active.digest == release.digest:
        return "active"
    if any(ref.digest == release.digest for ref in route.fallbacks):
        return "fallback"
    return "shadow" if any(ref.digest == release.digest for ref in route.shadows) else ""


def summary(session: Session, release: Release, counts: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """One line about one release."""
    house = session.house
    state = house.office.state()
    now = house.clock.now()
    stands = living(state.grants(release.digest), now)
    halted = state.suspensions().get(release.model)
    board = house.office.seats.board(release.model)
    site = house.settings["site"]["id"]
    places = [{"use": route.use, "place": part} for route in state.routes() if (part := place(route, release))]
    status = "suspended" if halted else "live" if stands and places else "waiting for votes" if not stands else "granted"
    return {
        "release": asdict(release),
        "stage": state.stage(release.digest, site),
        "status": status,
        "halted": asdict(halted) if halted else None,
        "grant": asdict(stands) if stands else None,
        "places": places,
        "vacant": [seat["title"] for seat in board if not seat["principal"]],
        "board": board,
        "decisions": counts.get(release.model, {"decisions": 0})["decisions"],
    }


def models(session: Session, query: Mapping[str, str]) -> Page:
    """Every registered model version."""
    state = session.house.office.state()
    counts = {row["model"]: row for row in session.rows("decisions_by_model")}
    found = [summary(session, release, counts) for release in state.releases()]
    uses = [
        {"use": name, "question": use.question, "routes": [route for route in state.routes() if route.use == name]}
        for name, use in session.house.office.policy.uses.items()
    ]
    data = {"models": found, "uses": [{**use, "routes": [asdict(route) for route in use["routes"]]} for use in uses]}
    return Page("models.html", "Models", SECTION, {**data, "zone": session.house.settings["site"]["zone"]}, cli="trivet promote --list")


def model(session: Session, query: Mapping[str, str], name: str) -> Page:
    """One model's page: the label a committee votes on."""
    house = session.house
    state = house.office.state()
    site = house.settings["site"]["id"]
    releases = state.releases(name)
    if not releases:
        raise NotFound("E703", f"no model {name} is registered", help="trivet promote --list")
    release = releases[-1]
    counts = {row["model"]: row for row in session.rows("decisions_by_model")}
    ballot = house.office.ballot(name, site)
    data = {
        **summary(session, release, counts),
        "name": name,
        "versions": [asdict(one) for one in releases],
        "evidence": [asdict(item) for item in state.evidence(release.digest)],
        "votes": [asdict(vote) for vote in state.votes(release.digest)],
        "ballot": asdict(ballot),
        "denials": session.rows("denials_of_model", (name,)),
        "site_id": site,
        "zone": house.settings["site"]["zone"],
    }
    crumbs = [("Overview", "/"), ("Models", SECTION), (name, "")]
    return Page("model.html", name, SECTION, data, crumbs, f"trivet promote {name} --use {release.uses[0]}")
