"""Drift: what counts as another distribution. In: the approved table; out, its rows with the limits of chance.

A series alarms when its effect is large enough to matter (`effect`) and larger than chance explains (`alarms`: the share of unchanged
series that would exceed the limit). Under no change the population stability index of B bins is (1/n + 1/m) chi-squared with B-1 degrees of
freedom (Yurdakul, Statistical Properties of Population Stability Index, 2018); the quantile is Wilson and Hilferty's.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist
from typing import Any

from trivet.data.checklist import rows_of

__all__ = ["chi_squared", "settings"]


def chi_squared(alarms: float, degrees: int) -> float:
    """What chi-squared with these degrees of freedom exceeds in a share `alarms` of cases."""
    z, spread = NormalDist().inv_cdf(1 - alarms), 2 / (9 * degrees)
    return float(degrees * (1 - spread + z * spread**0.5) ** 3)


@cache
def settings() -> list[dict[str, Any]]:
    """One row per check and number of bins in use: windows in days, fewest, effect, `chi2` and two-sided `z` as limits of chance."""
    found = []
    for row in rows_of("quality", "drift.csv"):
        alarms, bins = float(row["alarms"]), int(row["bins"])
        whole = {name: int(row[name]) for name in ("reference_days", "window_days", "least")}
        limits = {"effect": float(row["effect"]), "z": NormalDist().inv_cdf(1 - alarms / 2), "most": bins}
        for used in range(2, bins + 2):
            found.append({"name": row["check"], "used": used, "chi2": chi_squared(alarms, used - 1), **whole, **limits})
    return found
