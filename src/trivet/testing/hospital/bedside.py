"""Vital signs of one stay: how ill the patient is from hour to hour, and what the monitor says about it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from trivet.testing.hospital.almanac import DAY, HOUR
from trivet.testing.hospital.health import Health, acuity_of, news2
from trivet.testing.hospital.tables import Tables

__all__ = ["Course", "observe"]


@dataclass(frozen=True, slots=True)
class Course:
    """How a stay goes: acuity from `start` to `rest`, and, if `event_at` is set, a worsening that begins at `warning_at`.

    `sudden` worsenings give no warning. After the event (`event_at`) the patient is in intensive care, and recovers.
    """

    admitted: int
    start: float
    rest: float
    event_at: int | None = None
    warning_at: int = 0
    sudden: bool = False


def acuity(course: Course, at: int, tables: Tables) -> float:
    """How ill the patient is at a moment, without the noise."""
    figures = tables.parameters
    level = acuity_of(course.start, course.rest, (at - course.admitted) / DAY, figures["vitals"]["settle_days"])
    if course.event_at is None:
        return level
    rise = figures["deterioration"]["rise"]
    if at >= course.event_at:
        return level + rise * math.exp2(-(at - course.event_at) / DAY)
    if course.sudden or at < course.warning_at:
        return level
    share = (at - course.warning_at) / (course.event_at - course.warning_at)
    return level + rise * share


def _signs(level: float, health: Health, tables: Tables, rng: Random) -> dict[str, float]:
    figures = tables.parameters["vitals"]
    ill = max(0.0, level)
    values: dict[str, float] = {}
    for sign in tables.vitals:
        if sign.key in ("o2", "avpu"):
            continue
        value = health.resting[sign.key] + rng.gauss(0.0, sign.noise) + sign.per_acuity * level
        if rng.random() < figures["spike"]:
            value += 3.5 * sign.noise * (1 if sign.per_acuity > 0 else -1)
        values[sign.key] = round(min(sign.ceiling, max(sign.floor, value)), sign.decimals)
    oxygen = 0.0
    if values["spo2"] < figures["oxygen_at"] and rng.random() < 0.75:
        oxygen = float(rng.choice((1, 2, 2, 3, 4))) + (4.0 if ill > 2.2 else 0.0)
        values["spo2"] = round(min(100.0, values["spo2"] + 2.0 + 0.4 * oxygen))
    values["o2"] = oxygen
    confused = figures["confusion"] * (3.2 ** min(3.4, ill)) * (2.0 if "dementia" in health.keys else 1.0)
    values["avpu"] = float(rng.choices((1, 2, 3, 4), (6, 3, 1, 0.5))[0]) if rng.random() < confused else 0.0
    return values


def observe(course: Course, until: int, health: Health, tables: Tables, rng: Random) -> Iterator[tuple[int, dict[str, float]]]:
    """Sets of vital signs (moment, values) from admission to `until`; the sicker the last set, the sooner the next."""
    figures = tables.parameters["vitals"]
    at, wander = course.admitted + rng.randrange(600, 2400), 0.0
    while at < until:
        wander = 0.7 * wander + rng.gauss(0.0, figures["drift"])
        values = _signs(acuity(course, at, tables) + wander, health, tables, rng)
        score = news2(values, tables)
        yield at, values
        step = "hours_at_7" if score >= 7 else "hours_at_5" if score >= 5 else "hours_at_1" if score >= 1 else "hours_at_0"
        if score in (1, 2):
            step = "hours_at_2"
        at += int(figures[step] * HOUR * rng.uniform(0.8, 1.15))
