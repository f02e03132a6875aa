"""Readiness: what is ready, computed from the running home. Unknown counts as zero, with its reason; nothing is imputed.

In: a meter over one home. Out: figures by domain, each with its rows; the level reached; today's decisions under control.
Rule: a level is reached with 70 % of its figures and of every lower level's, and no red line failing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal

from trivet.contracts.figure import Domain, Figure, Readiness
from trivet.governance.measured import Meter, Unmeasured
from trivet.governance.policy import read_table

__all__ = ["level_of", "readiness"]

LEVELS = (1, 2, 3, 4, 5)
ENOUGH = Decimal("0.7")
ROWS = 200
NOTHING = "there is nothing to count yet"
CONTROL = {
    "id": "under-control",
    "title": "Decisions under control today",
    "domain": "today",
    "how": "Answers of the last 24 hours: granted, recorded, on fresh measured local validity, with every duty filled; over all of them.",
}


def readiness(meter: Meter, at: str, overlay: Mapping[str, str] | None = None) -> Readiness:
    """The whole picture, at one instant, from one home."""
    indicators = read_table("readiness", "indicators.csv", overlay)
    figures = [figure(meter, at, row) for row in indicators]
    red = tuple(one for one in figures if one.red_line)
    failing = any(broken(one) for one in red)
    names = dict.fromkeys(one.domain for one in figures)
    domains = tuple(_domain(name, [one for one in figures if one.domain == name]) for name in names)
    hours = {row["id"]: row["hours"] for row in indicators}
    return Readiness(
        level=0 if failing else level_of(figures),
        domains=domains,
        red_lines=red,
        control=figure(meter, at, CONTROL),
        next_steps=_next(figures, hours, level_of(figures) + 1),
        as_of=meter.as_of,
        at=at,
    )


def figure(meter: Meter, at: str, row: Mapping[str, str]) -> Figure:
    """One figure: the share of its rows that are as they should be. Nothing to count is not known, and not known is not met."""
    levels = {level: row[f"level{level}"] for level in LEVELS if row.get(f"level{level}")}
    blank = Figure(
        id=row["id"],
        title=row["title"],
        domain=row["domain"],
        value="",
        unit="%",
        n=0,
        good=0,
        reason="",
        how=row["how"],
        as_of=meter.as_of,
        at=at,
        levels=levels,
        red_line=row.get("red_line") == "yes",
        next_step=row.get("next_step", ""),
    )
    try:
        rows = meter.rows("indicators", row["id"])
    except Unmeasured as why:
        return replace(blank, reason=str(why))
    n = sum(int(one.get("units", 1)) for one in rows)
    good = sum(int(one.get("units", 1)) for one in rows if one["ok"])
    if n == 0:
        return replace(blank, reason=NOTHING, rows=tuple(rows[:ROWS]))
    share = (Decimal(good) * 100 / Decimal(n)).quantize(Decimal("0.1"), rounding=ROUND_DOWN)
    met = max((level for level, least in levels.items() if share >= Decimal(least)), default=0)
    return replace(blank, value=str(share), n=n, good=good, met=met, rows=tuple(rows[:ROWS]))


def broken(one: Figure) -> bool:
    """A red line that fails: known and not whole, or not known although there is something it speaks of."""
    return one.good < one.n if one.value else one.reason != NOTHING


def level_of(figures: list[Figure]) -> int:
    """The level reached: 70 % of the figures that count at each level up to it."""
    reached = 0
    for level in LEVELS:
        counting = [one for one in figures if level in one.levels]
        if counting and Decimal(sum(one.met >= level for one in counting)) < ENOUGH * len(counting):
            break
        reached = level if counting else reached
    return reached


def _domain(name: str, figures: list[Figure]) -> Domain:
    return Domain(name, 0 if any(one.red_line and broken(one) for one in figures) else level_of(figures), tuple(figures))


def _next(figures: list[Figure], hours: Mapping[str, str], level: int) -> tuple[dict[str, str], ...]:
    """The three cheapest steps among what keeps the next level away, red lines first."""
    missing = [one for one in figures if (one.red_line and broken(one)) or (level in one.levels and one.met < level)]

    def price(one: Figure) -> tuple[bool, Decimal]:
        return not (one.red_line and broken(one)), Decimal(hours[one.id]) * max(one.n - one.good, 1)

    return tuple(
        {
            "id": one.id,
            "domain": one.domain,
            "step": one.next_step,
            "now": f"{one.value} %" if one.value else f"not known: {one.reason}",
            "needed": f"{one.levels.get(level) or max(one.levels.values(), key=Decimal)} %",
            "hours": str(price(one)[1]),
        }
        for one in sorted(missing, key=price)[:3]
    )
