"""One life, from (seed, number): visits, stays and the papers they leave behind.

A life is simulated in the order of time and draws its chances in that order, whatever "now" is: so a later "now"
continues the same history.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import Any

from trivet.testing.hospital import bills, chartroom, laboratory, stay
from trivet.testing.hospital.almanac import DAY, HOUR, MINUTE
from trivet.testing.hospital.chart import CAST, Chart
from trivet.testing.hospital.health import reason_for
from trivet.testing.hospital.papers import NEVER, Papers, Stay
from trivet.testing.hospital.person import MAIN_SITE
from trivet.testing.hospital.tables import Reason
from trivet.testing.hospital.world import SPAN
from trivet.testing.hospital.writers import hl7
from trivet.testing.hospital.writers.hl7 import Visit

__all__ = ["Life"]

_INPATIENTS = range(8, 18)  # persons who are in a bed at the anchor, whatever the size of the hospital
_LEAVERS = range(18, 26)  # persons who left one in the days before


class Life(Papers):
    """Simulates person `number`; `chart` then holds the pieces to deliver, the identifiers seen and the outcomes."""

    def run(self) -> Chart:
        """Simulate to the horizon."""
        forced = self._forced()
        referred, moment = self.rng.random() < self.world.figures("documents")["practice_share"], self.rng.random()
        if referred or self.plan.has("wrong_birth_date"):
            self._refer(self.world.start + int(moment * SPAN * DAY))
        last_free = forced[0][0] - 45 * DAY if forced else NEVER
        names = ("unplanned", "planned", "emergency", "clinic")
        due = {name: self.world.start + self._wait(name) for name in names}
        back = NEVER
        while self.alive:
            name = min(due, key=lambda key: due[key])
            at = due[name]
            if back <= at:
                name, at = "return", back
            if forced and forced[0][0] <= at:
                at, leaves_after = forced.pop(0)
                back = self._stay(at, planned=False, leaves_after=leaves_after, returning=False)
                due = self._after(due)
                continue
            if at > self.world.horizon:
                break
            if name == "return":
                back = NEVER if at > last_free else self._stay(at, planned=False, returning=True)
            elif name in ("unplanned", "planned"):
                due[name] = at + self._wait(name)
                if at < last_free:
                    back = self._stay(self._hour(at, name), planned=name == "planned", returning=False)
            else:
                due[name] = at + self._wait(name)
                if at < last_free:
                    (self._emergency if name == "emergency" else self._clinic)(self._hour(at, name))
            due = self._after(due)
        self._introduce()
        self._settle()
        return self.chart

    def _after(self, due: dict[str, int]) -> dict[str, int]:
        """What would have happened during a stay happens later: the waits have no memory."""
        if not self.stays:
            return due
        free = self.stays[-1].discharged + 2 * HOUR
        return {name: value if value >= free else free + self._wait(name) for name, value in due.items()}

    def _forced(self) -> list[tuple[int, int]]:
        """Stays that must be there at any size: (arrival, not left before)."""
        number, anchor = self.person.number, self.world.anchor
        if number in _INPATIENTS:
            return [(anchor - int((0.7 + 0.45 * (number - _INPATIENTS.start)) * DAY), anchor + 14 * HOUR)]
        if number in _LEAVERS:
            return [(anchor - int((3.5 + 0.8 * (number - _LEAVERS.start)) * DAY), 0)]
        if number in MAIN_SITE:
            return [(anchor - int((45.5 - 2 * (number - MAIN_SITE.start)) * DAY), 0)]
        if self.plan.forced:
            return [(anchor - (60 + 9 * (number - CAST)) * DAY, 0)]
        return []

    def _wait(self, name: str) -> int:
        """Seconds to the next event of a kind: exponential, at the person's own rate."""
        figures, health = self.world.figures(name), self.health
        rate = math.exp(
            figures["intercept"]
            + figures["frailty"] * health.frailty
            + figures["per_decade"] * (health.age - 57) / 10
            + figures["per_lace_point"] * min(8, health.lace)
            + figures.get("self_pay", 0.0) * (self.person.insurer.key == "self")
        )
        return int(self.rng.expovariate(rate) * 365.25 * DAY) + HOUR

    def _hour(self, at: int, name: str) -> int:
        """Move an event of a day to an hour that fits it."""
        low, high = {"planned": (6.5, 9.0), "clinic": (8.0, 16.5)}.get(name, (0.0, 23.9))
        if name in ("unplanned", "emergency"):
            return at
        return self.world.almanac.at(self.world.almanac.day(at), self.rng.uniform(low, high))

    def _stay(self, at: int, *, planned: bool, returning: bool, leaves_after: int = 0) -> int:
        """A stay; the moment of the unplanned return that follows from it, or NEVER."""
        reason: Reason = reason_for(self.health, self.world.tables, self.rng, planned=planned)
        if returning and self.rng.random() < 0.45 and not self.stays[-1].planned:
            reason = self.stays[-1].reason
        sends, ahead = self.rng.random() < 0.8, self.rng.randrange(3 * DAY, 20 * DAY)
        if planned and sends and self.referred == NEVER:
            self._refer(at - ahead)
        if self.rng.random() < self.world.figures("stay")["cancelled"]:
            self._cancelled(at - self.rng.randrange(20 * MINUTE, 5 * HOUR), reason)
        done = stay.run(self, at, reason, planned=planned, leaves_after=leaves_after)
        self.stays.append(done)
        if done.died:
            self.alive = False
            return NEVER
        if self.desk.merge_due:
            self._merge(done.discharged + self.chart.rng.randrange(2 * DAY, 20 * DAY))
        figures = self.world.figures("readmission")
        days = min(29.0, self.rng.weibullvariate(figures["day_scale"], figures["day_shape"]) + 0.6)
        return done.discharged + int(days * DAY) if self.rng.random() < done.risk else NEVER

    def _cancelled(self, at: int, reason: Reason) -> None:
        """An admission that was keyed and taken back: A01, then A11 under the same visit number."""
        ward = self.rng.choice(self.world.places[(self.person.site, "ward")])
        doctor = self.rng.choice(self.clinicians)
        visit = Visit(self.visit_number(), "I", self.person.site, ward.code, "", "", at, "U", ward.service, doctor, reason)
        self.adt("A01", at, visit, self.desk.main)
        self.adt("A11", at + self.rng.randrange(4 * MINUTE, 18 * MINUTE), visit, self.desk.main)

    def _emergency(self, at: int) -> None:
        """A visit to the emergency department that ends at home."""
        rng, world = self.rng, self.world
        card, truth = self.desk.open(), self.desk.truth
        department = world.places[(self.person.site, "ed")][0]
        reason = reason_for(self.health, world.tables, rng, planned=False)
        visit = Visit(
            self.visit_number(), "E", self.person.site, department.code, f"{department.code}{rng.randrange(1, 31):02d}", "", at, "E", "MED",
            rng.choice(self.clinicians), reason,
        )  # fmt: skip
        self.ed.append(at)
        self.adt("A04", at, visit, card, truth=truth)
        if rng.random() < 0.6:
            laboratory.report(self, visit, card, at + 45 * MINUTE, laboratory.EMERGENCY, level=rng.gauss(0.3, 0.6))
        visit.discharged, visit.disposition = at + int(rng.uniform(1.5, 8.0) * HOUR), "01"
        self.adt("A03", visit.discharged, visit, card)
        if rng.random() < 0.25:
            chartroom.film(self, at + HOUR, visit, card)
        chartroom.finished(self, visit)
        bills.bill(self, visit, card)

    def _clinic(self, at: int) -> None:
        """An appointment with a blood test, or one that is missed."""
        missed = self.rng.random() < self.world.figures("documents")["appointment_missed"]
        card = self.desk.card if self.desk.card.family != "UNKNOWN" else self.desk.main
        self.appointment_row(at, card, "missed" if missed else "kept")
        if missed:
            self.missed.append(at)
            return
        visit = Visit(self.visit_number(), "O", self.person.site, "OPD", "", "", at, "R", "MED", self.rng.choice(self.clinicians))
        self.adt("A04", at, visit, card)
        laboratory.report(self, visit, card, at + 20 * MINUTE, laboratory.CLINIC, level=self.rng.gauss(0.0, 0.4))
        visit.discharged = at + HOUR
        chartroom.finished(self, visit)

    def _refer(self, at: int) -> None:
        self.referred = at
        chartroom.referral(self, at)

    def _introduce(self) -> None:
        """The electronic record's summary: most are there from the start, the others come with the first contact."""
        world, rng = self.world, Random(f"{self.world.seed}/record/{self.person.number}")
        known, hours, later = rng.random() < world.figures("population")["known_at_start"], rng.uniform(1, 40), rng.random()
        contact = min((piece.at for piece in self.chart.pieces), default=NEVER)
        at = world.start + int((hours * HOUR) if known else later * SPAN * DAY)
        chartroom.summary(self, at if known else min(at, contact + 2 * HOUR), rng)

    def _merge(self, at: int) -> None:
        control = self.chart.control("adt")
        message = hl7.merge(control, at, self.desk.main, self.desk.card, self.person, self.person.site, self.world.almanac)
        self.chart.send("adt", at, message, control=control)

    def _settle(self) -> None:
        """The truth about the person and every stay, now that what came after it is known."""
        card = self.person.card
        self.chart.summary = {
            "person": self.person.key, "family": self.desk.main.family, "given": card.given, "middle": card.middle,
            "birth_date": card.born, "sex": card.sex, "site": self.person.site,
        }  # fmt: skip
        for index, done in enumerate(self.stays):
            later = self.stays[index + 1 :]
            back = next((other for other in later if not other.planned and 0 < other.arrived - done.discharged <= 30 * DAY), None)
            self.chart.outcomes.append(_outcome(self.person.key, done, back))


def _outcome(person: str, done: Stay, back: Stay | None) -> Mapping[str, Any]:
    return {
        "person": person,
        "visit": done.visit,
        "admitted": done.admitted,
        "discharged": done.discharged,
        "planned": done.planned,
        "died": done.died,
        "lace": done.lace,
        "readmitted_30d": back is not None,
        "readmission_visit": back.visit if back is not None else None,
        "true_risk": round(done.risk, 4),
        "deterioration": done.event or None,
        "deterioration_at": done.event_at,
    }
