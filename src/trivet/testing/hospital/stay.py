"""One stay in a bed: the ward or wards, the course of the illness, the messages about it, and what follows from it."""

from __future__ import annotations

import math
from random import Random
from typing import Any, NamedTuple

from trivet.testing.hospital import bills, chartroom, laboratory
from trivet.testing.hospital.almanac import DAY, HOUR, MINUTE
from trivet.testing.hospital.bedlist import holder
from trivet.testing.hospital.bedside import Course, acuity, observe
from trivet.testing.hospital.health import chance
from trivet.testing.hospital.papers import Papers, Stay
from trivet.testing.hospital.person import Registration
from trivet.testing.hospital.tables import Reason, Ward
from trivet.testing.hospital.writers import hl7
from trivet.testing.hospital.writers.hl7 import Visit

__all__ = ["lace_points", "run"]


def lace_points(days: int, unplanned: bool, comorbidity: int, visits: int) -> int:
    """The LACE index (van Walraven 2010 CMAJ 182:551, table 3)."""
    length = days if days < 4 else 4 if days < 7 else 5 if days < 14 else 7
    return length + (3 if unplanned else 0) + (comorbidity if comorbidity < 4 else 5) + min(4, visits)


def _ward(life: Papers, site: str, service: str, rng: Random) -> Ward:
    wards = life.world.places[(site, "ward")]
    fitting = [ward for ward in wards if ward.service == service]
    return fitting[0] if fitting and rng.random() < 0.85 else rng.choice(wards)


class Step(NamedTuple):
    """From when a patient lies where."""

    at: int
    ward: Ward


def _course(life: Papers, reason: Reason, admitted: int, severity: float, days: float, rng: Random) -> tuple[Course, str]:
    figures, vitals, stay = life.world.figures("deterioration"), life.world.figures("vitals"), life.world.figures("stay")
    rest = stay["discharge_residue"] * severity + stay["discharge_noise"] * rng.gauss(0.0, 1.0) - 0.2
    start = vitals["start_acuity"] * severity + 0.45
    odds = (
        figures["intercept"]
        + figures["severity"] * severity
        + figures["frailty"] * life.health.frailty
        + figures["reason"] * reason.deterioration
    )
    worse, place = rng.random() < chance(odds), rng.uniform(0.12, 0.75)
    lead = figures["lead_hours"] * math.exp(rng.gauss(0.0, figures["lead_sigma"]))
    sudden, death = rng.random() < figures["sudden"], rng.random() < figures["death"]
    if not worse:
        return Course(admitted, start, rest), ""
    event_at = admitted + int(max(0.3, place * days) * DAY)
    return Course(admitted, start, rest, event_at, event_at - int(lead * HOUR), sudden), "death" if death else "icu_transfer"


def _path(life: Papers, site: str, reason: Reason, course: Course, event: str, left: int, rng: Random) -> list[Step]:
    """Which ward from when: the first bed, moves for want of beds, and intensive care where it comes to that."""
    figures, world = life.world.figures("stay"), life.world
    ward = _ward(life, site, reason.service, rng)
    path = [Step(course.admitted, ward)]
    first = world.shifts.shift(site, ward.code, world.almanac.day(course.admitted), False)
    crowded = 0.18 if first.occupancy > 0.92 else 0.0
    at = course.admitted
    while rng.random() < (figures["move_probability"] if len(path) == 1 else figures["move_again"]) + crowded and len(path) < 4:
        at += int(rng.uniform(0.25, 1.6) * DAY)
        if at > left - 8 * HOUR:
            break
        ward = rng.choice([other for other in world.places[(site, "ward")] if other is not path[-1].ward])
        path.append(Step(at, ward))
    if event == "icu_transfer" and course.event_at is not None:
        before = [step for step in path if step.at < course.event_at - 20 * MINUTE]
        back = course.event_at + int(world.figures("deterioration")["icu_days"] * DAY * rng.uniform(0.5, 1.7))
        intensive = world.places[(site, "icu")][0]
        path = [*before, Step(course.event_at, intensive)]
        if back < left - 8 * HOUR:
            path.append(Step(back, before[-1].ward))
    return path


def _arrive(life: Papers, visit: Visit, card: Registration, at: int, truth: dict[str, Any] | None) -> int:
    """The hours in the emergency department before a bed is found; the moment of admission."""
    world, rng = life.world, life.rng
    emergency = world.places[(visit.site, "ed")][0]
    visit.kind, visit.ward, visit.room = "E", emergency.code, f"{emergency.code}{rng.randrange(1, 31):02d}"
    life.ed.append(at)
    life.adt("A04", at, visit, card, truth=truth)
    full = world.shifts.shift(visit.site, emergency.code, world.almanac.day(at), False).occupancy
    return at + int(rng.uniform(2.5, 6.0) * HOUR * (1.0 + max(0.0, full - 0.7)))


def _leave(life: Papers, course: Course, event: str, days: float, leaves_after: int) -> int:
    """The moment of discharge, or of death."""
    if event == "death" and course.event_at is not None:
        return course.event_at
    almanac = life.world.almanac
    left = almanac.at(almanac.day(course.admitted) + max(1, round(days)), life.rng.uniform(10.0, 18.5))
    if course.event_at is not None:
        left = max(left, course.event_at + 2 * DAY) + DAY
    while left < leaves_after:
        left += DAY
    return left


def run(life: Papers, at: int, reason: Reason, *, planned: bool, leaves_after: int = 0) -> Stay:
    """Simulate one stay that begins with an arrival at `at`; with `leaves_after`, it lasts at least until then."""
    health, rng, figures = life.health, life.rng, life.world.figures("stay")
    card, truth = life.desk.open(), life.desk.truth
    urgency, doctor = "C" if planned else "E", rng.choice(life.clinicians)
    visit = Visit(life.visit_number(), "I", life.person.site, "", "", "", at, urgency, reason.service, doctor, reason)
    visit.secondary = life.secondary(reason)
    typical = reason.severity + figures["severity_frailty"] * health.frailty + figures["severity_per_lace_point"] * health.lace
    severity = rng.gauss(typical, 0.8)
    longer = figures["los_per_severity"] * severity + figures["los_per_frailty"] * health.frailty
    days = reason.los_median * math.exp(reason.los_sigma * rng.gauss(0.0, 1.0) + longer)
    admitted = at if planned else _arrive(life, visit, card, at, truth)
    course, event = _course(life, reason, admitted, severity, days, rng)
    left = _leave(life, course, event, days, leaves_after)
    path = _path(life, visit.site, reason, course, event, left, rng)
    _deliver(life, visit, card, path, left, event, truth if planned else None)
    _measure(life, visit, card, course, path, left, reason)
    stay = Stay(
        visit=visit.number,
        reason=reason,
        planned=planned,
        arrived=at,
        admitted=admitted,
        discharged=left,
        died=event == "death",
        moves=len(path) - 1,
        severity=severity,
        rest=course.rest,
        event_at=course.event_at,
        event=event,
        lace=0,
        risk=0.0,
    )
    _judge(life, stay, path[-1].ward)
    return stay


def _deliver(life: Papers, visit: Visit, card: Registration, path: list[Step], left: int, event: str, truth: dict[str, Any] | None) -> None:
    """ADT messages and bed rows of the stay."""
    rng, world = life.rng, life.world
    prior = ""
    visit.kind, visit.admitted = "I", path[0].at
    for index, step in enumerate(path):
        key = holder(step.ward.code, visit.number, index + 1)
        visit.ward, visit.room, visit.bed = step.ward.code, f"@R:{key}@", f"@B:{key}@"
        life.adt("A02" if index else "A01", step.at, visit, card, prior=prior, truth=None if index else truth)
        prior = hl7.place(visit)
        until = path[index + 1].at if index + 1 < len(path) else left
        life.bed_row(visit, card, index + 1, step.at, None)
        life.bed_row(visit, card, index + 1, step.at, until)
        for day in range(world.almanac.day(step.at), world.almanac.day(until) + 1):
            life.touch(visit.site, step.ward.code, day, max(step.at, world.almanac.at(day, 0.1)))
    if life.desk.rename_due:
        card = life.desk.renamed()
        life.adt("A08", path[0].at + life.chart.rng.randrange(3 * HOUR, 20 * HOUR), visit, card)
    updated, later = rng.random() < 0.12, rng.randrange(HOUR, 20 * HOUR)
    if updated:
        life.adt("A08", path[0].at + later, visit, card)
    visit.discharged = left
    visit.disposition = "20" if event == "death" else rng.choices(("01", "06", "03"), (70, 18, 12))[0]
    life.adt("A03", left, visit, card, prior=prior)
    if rng.random() < world.figures("documents")["image_share"]:
        chartroom.film(life, path[0].at + rng.randrange(HOUR, 9 * HOUR), visit, card)
    chartroom.finished(life, visit)
    bills.bill(life, visit, card)


def _measure(life: Papers, visit: Visit, card: Registration, course: Course, path: list[Step], left: int, reason: Reason) -> None:
    """Vital signs and blood tests of the stay."""
    world, rng = life.world, life.rng
    tables = world.tables
    for at, values in observe(course, left - 20 * MINUTE, life.health, tables, rng):
        step = next(step for step in reversed(path) if step.at <= at)
        visit.ward = step.ward.code
        life.vital_signs(at, values, visit, card, step.ward.code)
    extra = ("cardiac",) if reason.service == "CAR" else ("lact",) if reason.key in ("sepsis", "pneu") else ()
    first = course.admitted - rng.randrange(40 * MINUTE, 2 * HOUR)
    moments = [(first, laboratory.ADMISSION + extra)]
    day = world.almanac.day(course.admitted) + 1
    while (at := world.almanac.at(day, rng.uniform(5.2, 7.0))) < left:
        poc = ("poc",) if rng.random() < 0.12 else ()
        late = ("crp",) if (day - world.almanac.day(course.admitted)) % 2 == 0 else ()
        if at > course.admitted + 6 * HOUR:
            moments.append((at, laboratory.DAILY + late + poc))
        day += 1 if day - world.almanac.day(course.admitted) < 5 else 2
    if course.event_at is not None and course.event_at < left:
        moments.append((course.event_at + 15 * MINUTE, (*laboratory.DAILY, "lact")))
    for at, panels in moments:
        level = acuity(course, at, tables)
        days = max(0.0, (at - course.admitted) / DAY)
        laboratory.report(life, visit, card, at, panels, level=level, reason=reason.key, days=days)


def _judge(life: Papers, stay: Stay, ward: Ward) -> None:
    """LACE, and the true risk of coming back: state of the patient, state of the ward, state of the bill."""
    world, health = life.world, life.health
    figures = world.figures("readmission")
    left = stay.discharged
    days = world.almanac.day(left) - world.almanac.day(stay.admitted)
    visits = sum(1 for at in life.ed if stay.arrived - 182 * DAY <= at < stay.arrived)
    stay.lace = lace_points(days, not stay.planned, health.lace, visits)
    hour = world.almanac.text(left, "%H")
    shift = world.shifts.shift(life.person.site, ward.code, world.almanac.day(left), hour >= "19")
    recent = sum(1 for other in life.stays if stay.admitted - 365 * DAY <= other.discharged < stay.admitted)
    denied = sum(1 for at in life.denied if left - 365 * DAY <= at < left)
    missed = sum(1 for at in life.missed if left - 365 * DAY <= at < left)
    odds = (
        figures["intercept"]
        + figures["frailty"] * health.frailty
        + figures["residue"] * stay.rest
        + figures["per_lace_point"] * min(10, health.lace)
        + figures["per_ed_visit"] * min(4, visits)
        + figures["per_prior_stay"] * min(4, recent)
        + figures["log_days"] * math.log(max(1, days))
        + figures["unplanned"] * (not stay.planned)
        + figures["over_occupied"] * max(0.0, shift.occupancy - figures["over_occupied_from"])
        + figures["short_staffed"] * shift.shortfall
        + figures["per_move"] * stay.moves
        + figures["self_pay"] * (life.person.insurer.key == "self")
        + figures["per_denied_claim"] * min(2, denied)
        + figures["missed_appointment"] * min(2, missed)
        + stay.reason.readmission
    )
    stay.risk = 0.0 if stay.died else chance(odds)
