"""Evidence: what counts, for what, and until when. Weaker never counts as stronger; only `pass` ever satisfies.

In: items as they were produced. Out: verdicts against requirements. Refused: a measured item without what it was measured
from, a value that is not a decimal, a threshold registered after the window closed (INV-6).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from trivet.contracts.governance import Evidence, Failing, Release
from trivet.governance.policy import Policy, Requirement
from trivet.kernel.clock import instant, parse_instant
from trivet.kernel.digest import digest
from trivet.kernel.errors import Refused

__all__ = ["RANK", "complete", "current", "evidence_set", "expires", "later", "unmet", "words_of"]

RANK = {"M": 4, "V": 3, "A": 2, "D": 1}
RESULTS = ("pass", "fail", "insufficient_n", "error")
DECIMAL = re.compile(r"-?\d+(\.\d+)?")


def later(at: str, days: int) -> str:
    """The instant so many days later."""
    return instant(parse_instant(at) + timedelta(days=days))


def words_of(item: Evidence) -> dict[str, Any]:
    """The item as the words of its event, its id (a digest of the rest) included."""
    words = {name: value for name, value in asdict(item).items() if name not in ("seq", "id")}
    return {**words, "id": "E-" + digest(words)[:20]}


def expires(requirement: Requirement, tier: str, produced_at: str, claimed: str = "") -> str:
    """When an item dies: the requirement's greatest age, or earlier if it says so itself."""
    by_age = later(produced_at, requirement.max_age[tier])
    return min(by_age, claimed) if claimed else by_age


def complete(policy: Policy, release: Release, item: Evidence) -> Evidence:
    """The item with its expiry, or Refused E711 naming what it lacks."""
    requirement = policy.requirements.get(item.requirement)
    lacks = []
    if requirement is None:
        lacks.append(f"a requirement that the policy knows (not {item.requirement})")
    if item.kind not in RANK or item.result not in RESULTS:
        lacks.append("a kind of M, V, A or D and a result of " + ", ".join(RESULTS))
    if item.kind == "M" and not (item.dataset and item.query and item.code and item.n > 0):
        lacks.append("the digests of what it was measured from and with, and n: measured is not typed in")
    if any(text and not DECIMAL.fullmatch(text) for text in (item.value, item.low, item.high)):
        lacks.append("a decimal value and interval")
    if item.events < 0 or item.events > item.n:
        lacks.append("events between 0 and n")
    if item.threshold and item.window_until and (not item.threshold_at or item.threshold_at > item.window_until):
        lacks.append("a threshold registered before its data window closed (INV-6)")
    if not item.produced_by:
        lacks.append("who produced it")
    if lacks or requirement is None:
        raise Refused(
            "E711", "this is not evidence", where=f"{item.model} {item.version}: {item.requirement}", why="it lacks " + "; ".join(lacks)
        )
    return replace(item, expires_at=expires(requirement, release.tier, item.produced_at, item.expires_at))


def current(items: Iterable[Evidence], requirement: str, site: str) -> list[Evidence]:
    """What speaks of a requirement at a site, newest first: the newest item of each scope, kind and population."""
    newest: dict[tuple[str, str, str], Evidence] = {}
    for item in items:
        if item.requirement == requirement and item.site in ("", site):
            newest[(item.site, item.population, item.kind)] = item
    return sorted(newest.values(), key=lambda item: item.seq, reverse=True)


def evidence_set(items: Iterable[Evidence], needed: Sequence[str], site: str) -> tuple[tuple[Evidence, ...], str]:
    """Everything that a gate at `site` looks at, and its digest: the thing a vote binds to (S12)."""
    stock = list(items)
    seen = tuple(item for requirement in needed for item in current(stock, requirement, site))
    return seen, digest(sorted(item.id for item in seen))


def unmet(
    requirement: Requirement, release: Release, site: str, items: Iterable[Evidence], at: str
) -> tuple[list[Failing], Evidence | None]:
    """Why a requirement is not satisfied at a site at an instant; or nothing, and the item that satisfies it (INV-4, INV-5)."""
    reasons = []
    for item in items:
        why = _weak(requirement, release, site, item, at)
        if not why:
            return [], item
        reasons.append(why)
        if item.result == "fail" and not _elsewhere(requirement, release, site, item):
            break  # the newest word that counts is no: an older yes does not outweigh it
    text = f"{requirement.title}: {reasons[-1] if reasons else 'there is none'}"
    return [Failing(f"evidence:{requirement.id}", text, (), requirement.text)], None


def _elsewhere(requirement: Requirement, release: Release, site: str, item: Evidence) -> str:
    """Why an item does not speak of this release, site and population at all, or does so too weakly."""
    if (item.model, item.digest) != (release.model, release.digest):
        return f"it is about version {item.version}"
    if requirement.per_site and item.site != site:
        return "it is about another site" if item.site else "it does not say which site"
    if item.population and item.population != release.population:
        return f"it is about another population ({item.population})"
    if RANK[item.kind] < RANK[requirement.min_kind]:
        return f"its kind is {item.kind}, at least {requirement.min_kind} is needed"
    return ""


def _weak(requirement: Requirement, release: Release, site: str, item: Evidence, at: str) -> str:
    elsewhere = _elsewhere(requirement, release, site, item)
    if elsewhere:
        return elsewhere
    fewest = requirement.min_events[release.tier]
    if item.result != "pass":
        return f"its result is {item.result}"
    if min(item.events, item.n - item.events) < fewest:
        return f"insufficient_n: {item.events} events and {item.n - item.events} without, {fewest} of each are needed"
    if item.expires_at <= at or later(item.produced_at, requirement.max_age[release.tier]) <= at:
        return f"it expired at {item.expires_at}"
    return "" if item.produced_at <= at else "it is from the future"
