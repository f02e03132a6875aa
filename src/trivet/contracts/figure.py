"""Numbers for people who decide: each with its rows, its n, how it is calculated, and a reason when it is not known.

Values are decimal text. `value` empty means not known, and then `reason` says why; a zero is a zero that was counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["DebtItem", "Domain", "Figure", "Readiness", "ValueResult"]

Rows = tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that opens into `rows`. `n` is what it was counted over, `good` how many of them were as they should be.

    `levels` gives the threshold at each readiness level (1 to 5) at which it counts; `met` the highest of them it reaches.
    """

    id: str
    title: str
    domain: str
    value: str
    unit: str
    n: int
    good: int
    reason: str
    how: str
    as_of: int
    at: str
    rows: Rows = ()
    levels: dict[int, str] = field(default_factory=dict)
    met: int = 0
    red_line: bool = False
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain of readiness: the level it reaches, and its figures."""

    name: str
    level: int
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Readiness:
    """The whole. `level` is reached with 70 % of the figures of that level and of every lower one, and no red line failing.

    `control` is the share of today's decisions that were granted, recorded, in scope, on fresh measured evidence, with all duties
    filled. `next_steps` are the three cheapest things that would raise the level.
    """

    level: int
    domains: tuple[Domain, ...]
    red_lines: tuple[Figure, ...]
    control: Figure
    next_steps: tuple[dict[str, str], ...]
    as_of: int
    at: str


@dataclass(frozen=True, slots=True)
class DebtItem:
    """Something owed: what it would cost once to put right (`principal`), and what it costs each month until then (`interest`).

    `hours` and `events_per_month` are counted here; rate and minutes per event are the site's, named in `rate_source`.
    `decisions` is how many decisions of the last 30 days rested on it, None when that cannot be told.
    """

    kind: str
    title: str
    asset: str
    detail: str
    hours: str
    principal: str
    events_per_month: str
    interest: str
    currency: str
    rate_source: str
    decisions: int | None
    since: str
    remedy: str
    rows: Rows = ()


@dataclass(frozen=True, slots=True)
class ValueResult:
    """What one use returns. `verdict`: `realised`, `unproven`, `below_minimum` or `harmful`.

    Without a baseline window that was locked before go-live there is no number (INV-13): `effect` is empty and `reason` says so.
    `strength` is that of the design, 5 (randomised) to 1 (before and after). Money carries its currency.
    """

    use: str
    metric: str
    verdict: str
    reason: str
    baseline: str
    observed: str
    effect: str
    low: str
    high: str
    n_baseline: int
    n_observed: int
    design: str
    strength: int
    gross: str
    gross_low: str
    gross_high: str
    cost: str
    net: str
    currency: str
    hypothesis: str
    locked_at: str
    went_live_at: str
    costs: Rows = ()
    rows: Rows = ()
    how: str = ""
