"""How good a score is, with its interval: discrimination and calibration from scores and outcomes, numbers in, numbers out.

AUROC with DeLong's variance by mid-ranks (DeLong 1988 Biometrics 44:837; Sun and Xu 2014 IEEE SPL 21:1389); observed over expected
with the exact Poisson interval approximated by Byar (Breslow and Day 1987, IARC 82, section 2.2). Intervals are 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Estimate", "auroc", "observed_expected", "paired_difference"]

Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval; `n` cases of which `events` had the outcome. `value` is None when it cannot be computed."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    events: int


def mid_ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1, ties share their mean."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in range(start, end + 1):
            ranks[order[place]] = (start + end) / 2 + 1
        start = end + 1
    return ranks


def components(scores: Sequence[float], outcomes: Sequence[bool]) -> tuple[float, list[float], list[float]] | None:
    """AUROC and its structural components over events and over the others; None when one of the two groups is empty."""
    events = [score for score, outcome in zip(scores, outcomes, strict=True) if outcome]
    others = [score for score, outcome in zip(scores, outcomes, strict=True) if not outcome]
    if not events or not others:
        return None
    both = mid_ranks([*events, *others])
    own, rest = mid_ranks(events), mid_ranks(others)
    m, n = len(events), len(others)
    over_events = [(both[i] - own[i]) / n for i in range(m)]
    over_others = [1 - (both[m + j] - rest[j]) / m for j in range(n)]
    return sum(over_events) / m, over_events, over_others


def covariance(left: Sequence[float], right: Sequence[float]) -> float:
    """Sample covariance; 0 for fewer than two."""
    if len(left) < 2:
        return 0.0
    mean_left, mean_right = sum(left) / len(left), sum(right) / len(right)
    return sum((a - mean_left) * (b - mean_right) for a, b in zip(left, right, strict=True)) / (len(left) - 1)


def auroc(scores: Sequence[float], outcomes: Sequence[bool]) -> Estimate:
    """Area under the receiver operating characteristic, DeLong interval on the logit scale."""
    n, count = len(outcomes), sum(outcomes)
    found = components(scores, outcomes)
    if found is None:
        return Estimate(None, None, None, n, count)
    value, over_events, over_others = found
    variance = covariance(over_events, over_events) / len(over_events) + covariance(over_others, over_others) / len(over_others)
    if value in (0.0, 1.0) or variance == 0:
        return Estimate(value, None, None, n, count)
    middle, spread = math.log(value / (1 - value)), Z * math.sqrt(variance) / (value * (1 - value))
    return Estimate(value, 1 / (1 + math.exp(spread - middle)), 1 / (1 + math.exp(-spread - middle)), n, count)


def paired_difference(one: Sequence[float], other: Sequence[float], outcomes: Sequence[bool]) -> Estimate:
    """AUROC of `one` minus that of `other` on the same cases, with DeLong's paired interval."""
    n, count = len(outcomes), sum(outcomes)
    left, right = components(one, outcomes), components(other, outcomes)
    if left is None or right is None:
        return Estimate(None, None, None, n, count)

    def spread(a: Sequence[float], b: Sequence[float]) -> float:
        return (covariance(a, a) + covariance(b, b) - 2 * covariance(a, b)) / len(a)

    error = Z * math.sqrt(max(0.0, spread(left[1], right[1]) + spread(left[2], right[2])))
    value = left[0] - right[0]
    return Estimate(value, value - error, value + error, n, count)


def observed_expected(probabilities: Sequence[float], outcomes: Sequence[bool]) -> Estimate:
    """Events over the sum of probabilities; Byar's interval for the events. None when nothing is expected."""
    n, count, expected = len(outcomes), sum(outcomes), sum(probabilities)
    if expected <= 0:
        return Estimate(None, None, None, n, count)
    low = count * (1 - 1 / (9 * count) - Z / (3 * math.sqrt(count))) ** 3 if count else 0.0
    above = count + 1
    high = above * (1 - 1 / (9 * above) + Z / (3 * math.sqrt(above))) ** 3
    return Estimate(count / expected, max(low, 0.0) / expected, high / expected, n, count)
