"""Laboratory results of one person: what the blood says, and how two laboratories write it down."""

from __future__ import annotations

import math
from random import Random

from trivet.testing.hospital.chart import Chart
from trivet.testing.hospital.health import Health
from trivet.testing.hospital.person import Person, Registration, mrn_of
from trivet.testing.hospital.tables import Lab
from trivet.testing.hospital.world import World
from trivet.testing.hospital.writers import hl7
from trivet.testing.hospital.writers.hl7 import Visit

__all__ = ["ADMISSION", "CLINIC", "DAILY", "EMERGENCY", "report"]

ADMISSION = ("chem", "cbc", "liver", "crp")
DAILY = ("chem", "cbc")
EMERGENCY = ("chem", "cbc")
CLINIC = ("chem", "cbc", "a1c")
_MULTIPLICATIVE = {"crea", "bun", "crp", "bnp", "trop", "glu", "lact", "alt"}  # skewed to the right: noise grows with the level


def _measure(lab: Lab, health: Health, level: float, reason: str, days: float, rng: Random) -> float:
    value = health.levels[lab.key] + lab.per_acuity * level + lab.effects.get(reason, 0.0) * math.exp2(-days / 3.0)
    spread = lab.within * (max(1.0, value / lab.mean) if lab.key in _MULTIPLICATIVE else 1.0)
    return min(lab.ceiling, max(lab.floor, value + rng.gauss(0.0, spread)))


def report(
    world: World,
    person: Person,
    health: Health,
    chart: Chart,
    card: Registration,
    *,
    site: str,
    taken: int,
    panels: tuple[str, ...],
    visit: Visit,
    level: float,
    reason: str = "",
    days: float = 0.0,
    rng: Random,
) -> dict[str, float]:
    """Measure and deliver one set of tests; returns the true values in laboratory A's units."""
    labs = [lab for lab in world.tables.labs if lab.panel in panels]
    truth_values = {lab.key: _measure(lab, health, level, reason, days, rng) for lab in labs}
    source = "lab_b" if site == "NGH" else "lab"
    mixed = source == "lab" and world.analyser(taken) and rng.random() < 0.6
    analyser = "AU2" if mixed else "AU1"
    plan, truth = chart.plan, None
    results: list[tuple[Lab, str, str]] = []
    for lab in labs:
        value, unit, decimals = truth_values[lab.key], lab.a_unit, lab.a_decimals
        if source == "lab_b":
            value, unit, decimals = value * lab.b_factor, lab.b_unit, lab.b_decimals
        text = f"{value:.{decimals}f}"
        if mixed and lab.key == "crea":
            text = f"{value * 88.42:.0f}"
            truth = chart.truth("unit_mixed_up", {"test": "CREA", "analyser": analyser, "reported": text, "true_mg_dl": f"{value:.2f}"})
        elif truth is None and lab.key in ("k", "glu", "hgb") and plan.take("unit_missing"):
            unit, truth = "", chart.truth("unit_missing", {"test": lab.a_code if source == "lab" else lab.b_code})
        elif truth is None and lab.key in ("k", "na", "crp") and plan.take("not_a_number"):
            text = rng.choice(("HEMOLYZED", "4..1", "see note", "<>"))
            truth = chart.truth("not_a_number", {"test": lab.a_code if source == "lab" else lab.b_code})
        results.append((lab, text, unit))
    used = card
    if truth is None and plan.take("identifiers_swapped"):
        wrong = mrn_of(world.seed, person.number - 1 if person.number else 1)
        truth = chart.truth("identifiers_swapped", {"mrn_used": wrong, "mrn_right": card.mrn})
        used = Registration(wrong, card.family, card.given, card.middle, card.born, card.sex, "", "", "", "")
    sent = taken + rng.randrange(1500, 7200)
    control, order = chart.control(source), f"O{person.number:07d}{taken // 60 % 10_000_000:07d}"
    if source == "lab":
        message = hl7.lab_a(control, sent, taken, order, results, visit, used, analyser, world.almanac)
    else:
        message = hl7.lab_b(control, sent, taken, order, results, visit, used, world.almanac)
    if truth is None and plan.take("bad_date"):
        stamp = world.almanac.hl7(taken)
        message = message.replace(stamp, stamp[:4] + "1345" + stamp[8:])
        truth = chart.truth("bad_date", {"element": "OBR-7, OBX-14", "written": stamp[:4] + "1345" + stamp[8:]})
    if used is card:
        chart.seen(source, "SMH", card.mrn, sent)
    chart.send(source, sent, message, control=control, truth=truth)
    return truth_values
