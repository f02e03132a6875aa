"""The fallback drill: take the live model away, for a sample of persons, and see who answers and how fast.

In: a use, persons, instants. Out: an item of evidence, measured here. Nothing is released and nobody's decision changes: the
fallback is asked at the gate as it would be, and its answers are dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from trivet.contracts.feature import FeatureRow
from trivet.contracts.governance import Evidence
from trivet.contracts.house import House
from trivet.contracts.prediction import ModelRef
from trivet.contracts.verdict import GateRequest, Permit
from trivet.kernel.digest import digest
from trivet.kernel.errors import NotFound, Problem, Rejected

__all__ = ["drill", "practise"]

LIMIT = 1.0  # seconds in which a fallback has to be there


def drill(
    house: House, use: str, site: str, cohort: Sequence[tuple[str, str]], *, by: str, tick: Callable[[], float] = time.perf_counter
) -> Evidence:
    """Evidence `fallback-drill` about the live model of a use. NotFound E737 when nothing is routed or there is nobody to try it on."""
    route = house.office.route(use, site, house.gate.seen())
    if route is None or route.active is None or not cohort:
        raise NotFound("E737", f"nothing to drill for {use} at {site}", why="no live model, or no persons")
    as_of, now, role = house.landing.horizon(), house.clock.now(), house.office.policy.uses[use].roles[0]
    answered, spans = 0, []
    for person, instant in cohort:
        started = tick()
        row = house.features.one(route.view, person, instant, as_of)
        answered += any(_answers(house, ref, use, site, role, now, row) for ref in route.fallbacks)
        spans.append(tick() - started)
    release = house.office.state().by_digest(route.active.digest)
    slow = sorted(spans)[max(0, -(-len(spans) * 95 // 100) - 1)]
    passed = answered == len(cohort) and slow <= LIMIT
    seen = {"use": use, "as_of": as_of, "view": route.view, "n": len(cohort)}
    return Evidence(
        requirement="fallback-drill",
        kind="M",
        model=route.active.name,
        version=route.active.version,
        digest=route.active.digest,
        site=site,
        population=release.population if release else "",
        metric="answered_in_time",
        value=str(round(answered / len(cohort), 4)),
        low="",
        high="",
        n=len(cohort),
        events=answered,
        result="pass" if passed else "fail",
        dataset=digest(seen),
        query=digest(route.view),
        code=digest([f"{ref.name} {ref.version}" for ref in route.fallbacks]),
        threshold=str(LIMIT),
        threshold_at=now,
        window_until=now,
        produced_by=by,
        produced_at=now,
        expires_at="",
        title=f"{answered} of {len(cohort)} answered by the fallback, p95 {slow * 1000:.0f} ms",
    )


def practise(house: House, model: str, site: str, by: str) -> Evidence:
    """Drill every use that a model is live in, on the persons of its newest answers, and keep what came of it. Gives the worst."""
    name = house.office.state().release(model).model
    live = [route for route in house.office.state().routes() if route.active is not None and route.active.name == name]
    if not live:
        raise NotFound("E737", f"{name} is not the live model of any use", help="trivet promote --list")
    cohort = house.role("assessment").drill_cohort
    items = [drill(house, route.use, site, cohort(route.use), by=by) for route in live]
    kept: list[Evidence] = house.store.write(lambda tx: [house.office.releases.prove(tx, item, by=by) for item in items])
    house.gate.refresh()
    return next((item for item in kept if item.result != "pass"), kept[0])


def _answers(house: House, ref: ModelRef, use: str, site: str, role: str, now: str, row: FeatureRow) -> bool:
    """Would this fallback answer? Asked at the gate like any call."""
    try:
        runtime = house.registry.runtime(ref)
    except Problem:
        return False
    facts = {value.name: value.value for value in row.values}
    purpose = house.office.policy.uses[use].purposes[0]
    request = GateRequest(use, ref, runtime.artefact_digest, site, role, purpose, now, facts, True, "fallback")
    return isinstance(house.gate.ask(request), Permit) and not isinstance(runtime.predict(row), Rejected)
