"""Intervals for a share and for the difference of two shares, without a distribution that anybody has to believe in.

Wilson's score interval (1927) for one share; Newcombe's method 10 (Statistics in Medicine 17, 1998) for a difference of two.
In: counts. Out: floats in [0, 1] or [-1, 1]. Refused: no cases.
"""

from __future__ import annotations

from math import sqrt

__all__ = ["difference", "wilson"]

Z = 1.959963984540054  # two-sided 95 %


def wilson(events: int, n: int, z: float = Z) -> tuple[float, float, float]:
    """Share with its 95 % interval. Raises ValueError when there is nothing to count."""
    if n <= 0 or not 0 <= events <= n:
        raise ValueError("no cases to count")
    share = events / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return share, max(0.0, centre - half), min(1.0, centre + half)


def difference(before: tuple[int, int], after: tuple[int, int], z: float = Z) -> tuple[float, float, float]:
    """`after - before` of two shares given as (events, n), with its 95 % interval."""
    p0, low0, high0 = wilson(*before, z)
    p1, low1, high1 = wilson(*after, z)
    gap = p1 - p0
    return gap, gap - sqrt((p1 - low1) ** 2 + (high0 - p0) ** 2), gap + sqrt((high1 - p1) ** 2 + (p0 - low0) ** 2)
