"""How well somebody is: what no system sees directly, and everything that follows from it.

`frailty` is the hidden axis: it makes chronic conditions likelier, stays longer, laboratory values worse and a return to
hospital more probable. A model can only reach it through what the systems deliver.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from trivet.testing.hospital.person import Person
from trivet.testing.hospital.tables import Allergy, Condition, Drug, Reason, Tables

__all__ = ["Health", "acuity_of", "chance", "examine", "news2", "reason_for"]


def chance(log_odds: float) -> float:
    """The probability of log odds."""
    return 1.0 / (1.0 + math.exp(-log_odds))


@dataclass(frozen=True, slots=True)
class Health:
    """Lasting state of one person. `lace` are the comorbidity points of LACE, `levels` the person's own laboratory levels."""

    age: float
    frailty: float
    conditions: tuple[Condition, ...]
    drugs: tuple[Drug, ...]
    allergies: tuple[Allergy, ...]
    smoker: bool
    lace: int
    keys: frozenset[str]
    levels: dict[str, float]
    resting: dict[str, float]


def examine(person: Person, tables: Tables, rng: Random, year: int) -> Health:
    """The health of a person at the start of the simulation."""
    spread = tables.parameters["population"]
    age = year - int(person.card.born[:4]) - (int(person.card.born[5:7]) - 1) / 12
    decades = (age - 60) / 10
    frailty = rng.gauss(0.0, 1.0) + spread["frailty_per_decade"] * (age - spread["age_mean"]) / 10
    conditions = tuple(
        one for one in tables.conditions if rng.random() < chance(one.log_odds + one.per_decade * decades + one.per_frailty * frailty)
    )
    keys = {one.key for one in conditions}
    if "dmc" in keys:
        keys.discard("dm")
    if "ckd4" in keys:
        keys.discard("ckd3")
    conditions = tuple(one for one in conditions if one.key in keys)
    lace = sum(one.lace for one in conditions)
    female = person.card.sex == "F"
    levels = {
        lab.key: rng.gauss(lab.mean, lab.between)
        + lab.per_frailty * frailty
        + sum(shift for key, shift in tables.effects.get(lab.key, {}).items() if key in keys or (female and key == "female"))
        for lab in tables.labs
    }
    if "kpoc" in levels:
        levels["kpoc"] = levels["k"]
    return Health(
        age=age,
        frailty=frailty,
        conditions=conditions,
        drugs=tuple(one for one in tables.drugs if one.condition in keys and rng.random() < one.share),
        allergies=tuple(one for one in tables.allergies if rng.random() < one.share),
        smoker=rng.random() < (0.35 if "copd" in keys else 0.14),
        lace=lace,
        keys=frozenset(keys),
        levels=levels,
        resting={
            one.key: rng.gauss(one.mean, one.between) - (1.2 if one.key == "spo2" and "copd" in keys else 0.0) for one in tables.vitals
        },
    )


def reason_for(health: Health, tables: Tables, rng: Random, *, planned: bool) -> Reason:
    """Why this person comes in this time."""
    choices = [one for one in tables.reasons if one.planned is planned]
    weights = [one.weight * (one.per_condition if one.needs in health.keys else 1.0) for one in choices]
    return rng.choices(choices, weights)[0]


def acuity_of(start: float, rest: float, days: float, settle: float) -> float:
    """How ill somebody is `days` after admission, when nothing goes wrong: from `start` towards `rest`."""
    return rest + (start - rest) * math.exp(-days / settle)


def news2(values: dict[str, float], tables: Tables) -> int:
    """The National Early Warning Score 2 of one set of vital signs (SpO2 scale 1)."""
    total = 0
    for key, bands in tables.news2.items():
        value = values[key]
        for limit, points in bands:
            if value <= limit:
                total += points
                break
    return total
