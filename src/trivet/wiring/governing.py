"""The sample hospital's governance: people take their seats, models are registered with evidence measured on the hospital's own past,
votes are cast, grants issued as far as all of that carries. Everything through the office's own doors; nothing is typed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from trivet.contracts.governance import Evidence, Release
from trivet.contracts.house import House
from trivet.flows.evaluate import Case, Cohort, evaluate
from trivet.flows.found import found
from trivet.kernel.digest import sha256
from trivet.kernel.resources import text
from trivet.models.registry import adopt, shipped
from trivet.wiring.governance import read_staff

__all__ = ["adopt_models", "cohort", "govern"]

FEEDS = {"readmission": "adt", "deterioration": "vitals"}
WORSE: dict[str, list[Any]] = {"deterioration": [["ICU", "NHD"]]}  # wards that a patient is moved to when it gets worse
COMPARATORS = {"readmit-gb": "lace", "ward-watch": "news2"}
MOST = 500  # cases looked at, the newest


def govern(house: House) -> list[str]:
    """Seats, releases, evidence, votes, grants and routes, as `site/staff.toml` says. One line for each act."""
    staff = read_staff(Path(house.home) / "site" / "staff.toml")
    releases = adopt_models(house, staff)
    return found(house, staff, releases, measure(house, releases))


def adopt_models(house: House, staff: dict[str, Any]) -> list[Release]:
    """The shipped models that the staff file names, copied into the home, as releases."""
    made = []
    for name, version in shipped():
        if name in staff.get("models", {}):
            adopt(name, version, Path(house.home) / "models")
            made.append(house.registry.manifest(name, version).release(requested_by="k.datta"))
    return made


def cohort(house: House, use: str) -> Cohort:
    """Past cases of a use with their outcomes and feature rows, each with what was known at its instant."""
    statement = text("trivet.wiring", "sql", f"outcome_{use}.sql")
    given: list[Any] = [FEEDS[use], house.clock.now()[:19], *WORSE.get(use, []), MOST]
    _, rows = house.shelf.query(statement, parameters=given)
    known_at = house.role("query").positions(at for _, at, _ in rows)
    cases = tuple(Case(person, at, known_at[at], bool(outcome)) for person, at, outcome in reversed(rows))
    view = house.office.policy.uses[use].view
    known = house.features.many(view, [(case.person, case.instant, case.as_of) for case in cases]) if cases else []
    return Cohort(cases, tuple(known), sha256(statement.encode()))


def measure(house: House, releases: Sequence[Release]) -> list[Evidence]:
    """Everything measured about every release, and its intended use as attested by whoever answers for it."""
    made: list[Evidence] = []
    by_name = {release.model: release for release in releases}
    uses = sorted({use for release in releases for use in release.uses})
    with ThreadPoolExecutor(len(uses) or 1) as side_by_side:  # the engines work outside the interpreter's lock
        cohorts = dict(zip(uses, side_by_side.map(partial(cohort, house), uses), strict=True))
    fewest = house.office.policy.requirements["local-validity"].min_events
    for release in releases:
        cases = cohorts[release.uses[0]]
        other = by_name.get(COMPARATORS.get(release.model, ""))
        items = evaluate(house, release, cases, by="i.tanaka", events=fewest[release.tier] or 1, comparator=other)
        made += [*items, attested(release, items[0])]
    return made


def attested(release: Release, like: Evidence) -> Evidence:
    """The intended use as its manifest states it, signed by a person: attested, which is weaker than measured and enough for this."""
    return replace(
        like,
        requirement="intended-use",
        kind="A",
        site="",
        metric="manifest",
        value="",
        low="",
        high="",
        n=1,
        events=0,
        result="pass",
        dataset=release.digest,
        query="",
        rows={},
        produced_by="d.rao",
    )
