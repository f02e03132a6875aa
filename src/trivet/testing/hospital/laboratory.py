"""Laboratory results of one person: what the blood says, and how two laboratories write it down."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from typing import Any

from trivet.testing.hospital.chart import Chart
from trivet.testing.hospital.health import Health
from trivet.testing.hospital.papers import Papers
from trivet.testing.hospital.person import Registration, mrn_of
from trivet.testing.hospital.tables import Lab
from trivet.testing.hospital.writers import hl7
from trivet.testing.hospital.writers.hl7 import Visit

__all__ = ["ADMISSION", "CLINIC", "DAILY", "EMERGENCY", "report"]

ADMISSION = ("chem", "cbc", "liver", "crp")
DAILY = ("chem", "cbc")
EMERGENCY = ("chem", "cbc")
CLINIC = ("chem", "cbc", "a1c")
_MULTIPLICATIVE = {"crea", "bun", "crp", "bnp", "trop", "glu", "lact", "alt"}  # skewed to the right: noise grows with the level


def _measure(lab: Lab, health: Health, level: float, shift: float, days: float, rng: Random) -> float:
    value = health.levels[lab.key] + lab.per_acuity * level + shift * math.exp2(-days / 3.0)
    spread = lab.within * (max(1.0, value / lab.mean) if lab.key in _MULTIPLICATIVE else 1.0)
    return min(lab.ceiling, max(lab.floor, value + rng.gauss(0.0, spread)))


def _write_down(
    chart: Chart, values: dict[str, float], labs: list[Lab], source: str, mixed: bool
) -> tuple[list[tuple[Lab, str, str]], dict[str, Any] | None]:
    """Values and units as the laboratory writes them, and the truth about what it got wrong."""
    plan, truth = chart.plan, None
    results: list[tuple[Lab, str, str]] = []
    for lab in labs:
        value, unit, decimals, code = values[lab.key], lab.a_unit, lab.a_decimals, lab.a_code
        if source == "lab_b":
            value, unit, decimals, code = value * lab.b_factor, lab.b_unit, lab.b_decimals, lab.b_code
        text = f"{value:.{decimals}f}"
        if mixed:
            if lab.key == "crea":
                text = f"{value * lab.b_factor:.0f}"
                truth = chart.truth("unit_mixed_up", {"test": code, "analyser": "AU2", "reported": text, "true_mg_dl": f"{value:.2f}"})
        elif truth is None and lab.key in ("k", "glu", "hgb") and plan.take("unit_missing"):
            unit, truth = "", chart.truth("unit_missing", {"test": code})
        elif truth is None and lab.key in ("k", "na", "crp") and plan.take("not_a_number"):
            text, truth = chart.rng.choice(("HEMOLYZED", "4..1", "see note", "<>")), chart.truth("not_a_number", {"test": code})
        results.append((lab, text, unit))
    return results, truth


def report(
    papers: Papers,
    visit: Visit,
    card: Registration,
    taken: int,
    panels: tuple[str, ...],
    *,
    level: float,
    reason: str = "",
    days: float = 0.0,
) -> None:
    """Measure and deliver one set of tests; `level` is how ill the person is, `days` how long `reason` has been treated."""
    world, chart, rng = papers.world, papers.chart, papers.rng
    labs = [lab for lab in world.tables.labs if lab.panel in panels]
    effects = world.tables.effects
    values = {lab.key: _measure(lab, papers.health, level, effects.get(lab.key, {}).get(reason, 0.0), days, rng) for lab in labs}
    source = "lab_b" if visit.site == "NGH" else "lab"
    mixed = source == "lab" and world.analyser(taken) and chart.rng.random() < 0.6
    results, truth = _write_down(chart, values, labs, source, mixed)
    used = card
    if truth is None and chart.plan.take("identifiers_swapped"):
        wrong = mrn_of(world.seed, chart.number - 1 if chart.number else 1)
        truth = chart.truth("identifiers_swapped", {"mrn_used": wrong, "mrn_right": card.mrn})
        used = replace(card, mrn=wrong)
    sent = taken + rng.randrange(1500, 7200)
    control, order = chart.control(source), f"O{chart.number:07d}{taken // 60 % 10_000_000:07d}"
    if source == "lab":
        message = hl7.lab_a(control, sent, taken, order, results, visit, used, "AU2" if mixed else "AU1", world.almanac)
    else:
        message = hl7.lab_b(control, sent, taken, order, results, visit, used, world.almanac)
    if truth is None and chart.plan.take("bad_date"):
        stamp = world.almanac.hl7(taken)
        wrong = stamp[:4] + "1345" + stamp[8:]
        message, truth = message.replace(stamp, wrong), chart.truth("bad_date", {"element": "OBR-7, OBX-14", "written": wrong})
    if used is card:
        chart.seen(source, "SMH", card.mrn, sent)
    chart.send(source, sent, message, control=control, truth=truth)
