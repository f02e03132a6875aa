"""The papers of one life: what is known about the person so far, and how each event is written down and sent.

`Papers` holds what visits and stays share (who, how well, which card, what has happened); `life` adds what happens next.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from trivet.testing.hospital.almanac import DAY, HOUR, MINUTE
from trivet.testing.hospital.chart import Chart, Plan
from trivet.testing.hospital.desk import Desk
from trivet.testing.hospital.health import examine
from trivet.testing.hospital.person import Registration, make
from trivet.testing.hospital.tables import Reason
from trivet.testing.hospital.world import World
from trivet.testing.hospital.writers import hl7
from trivet.testing.hospital.writers.hl7 import Visit

__all__ = ["NEVER", "Papers", "Stay"]

NEVER = 1 << 62
SLOT = 20 * MINUTE  # of an appointment: simulation parameter


@dataclass(slots=True)
class Stay:
    """What is left of a stay when it is over. `risk` is the true probability of an unplanned return within 30 days."""

    visit: str
    reason: Reason
    planned: bool
    arrived: int
    admitted: int
    discharged: int
    died: bool
    moves: int
    severity: float
    rest: float
    event_at: int | None
    event: str
    lace: int
    risk: float


class Papers:
    """Person, health, chart and history of person `number`; `rng` draws what happens, the chart's own what goes wrong."""

    def __init__(self, world: World, number: int) -> None:
        self.world, tables = world, world.tables
        self.person = make(world.seed, number, tables, world.first)
        self.rng = Random(f"{world.seed}/life/{number}")
        slips = Random(f"{world.seed}/fault/{number}")
        self.plan = Plan(tables, slips, number, world.faults)
        self.chart = Chart(tables, number, self.person.key, self.plan, slips)
        self.desk = Desk(world.seed, self.person, self.chart, tables, slips)
        self.health = examine(self.person, tables, self.rng, world.first.year)
        self.clinicians = tuple(
            (f"{1000 + index}", family.upper(), given.upper()) for index, (family, given) in enumerate(tables.names.clinicians)
        )
        self.ed: list[int] = []
        self.denied: list[int] = []
        self.missed: list[int] = []
        self.stays: list[Stay] = []
        self.alive = True
        self.referred = NEVER
        self._visits = 0

    def visit_number(self) -> str:
        """A fresh visit number."""
        self._visits += 1
        return f"V{self.person.account}{self._visits:03d}"

    def secondary(self, reason: Reason) -> tuple[tuple[str, str], ...]:
        """Codes of the chronic conditions that go with a stay."""
        return tuple((one.icd10, one.display) for one in self.health.conditions if one.icd10 != reason.icd10)[:6]

    def adt(self, event: str, at: int, visit: Visit, card: Registration, *, prior: str = "", truth: Any = None) -> None:
        """Send an ADT message about something that happened at `at`."""
        control = self.chart.control("adt")
        sent = at + self.chart.rng.randrange(5, 240)
        text = hl7.adt(event, control, sent, visit, card, self.person, self.world.almanac, prior=prior, happened=at)
        self.chart.seen("adt", "SMH", card.mrn, sent)
        self.chart.send("adt", sent, text, control=control, truth=truth)

    def vital_signs(self, at: int, values: dict[str, float], visit: Visit, card: Registration, ward: str) -> None:
        """One set of vital signs from the monitoring gateway; `visit` says where the patient lies."""
        control = self.chart.control("vitals")
        text = hl7.vitals(control, at + 40, at, values, self.world.tables.vitals, visit, card, f"MON-{ward}")
        self.chart.seen("vitals", "SMH", card.mrn, at + 40)
        self.chart.send("vitals", at + 40, text, control=control)

    def bed_row(self, visit: Visit, card: Registration, index: int, start: int, end: int | None) -> None:
        """One row of the bed management system, when a bed is taken and again when it is left."""
        clock = "%Y-%m-%d %H:%M"
        until = self.world.almanac.text(end, clock) if end is not None else ""
        place = f"{visit.number},{visit.site},{visit.ward},{visit.room},{visit.room}-{visit.bed}"
        text = f"{visit.number}-{index},{card.mrn},{place},{self.world.almanac.text(start, clock)},{until}\n"
        self.chart.seen("beds", "SMH", card.mrn, end if end is not None else start)
        self.chart.row("beds", end if end is not None else start, text.encode())

    def appointment_row(self, at: int, card: Registration, status: str) -> None:
        """One row of the appointment list."""
        almanac = self.world.almanac
        booked = almanac.text(at - self.rng.randrange(2, 60) * DAY, "%Y-%m-%d")
        key = f"AP{self.person.account}{at // HOUR % 100_000:05d}"
        held = f"{almanac.text(at, '%Y-%m-%d %H:%M')},{almanac.text(at + SLOT, '%Y-%m-%d %H:%M')}"
        text = f"{key},{card.mrn},{self.person.site},MED,{booked},{held},{status}\n"
        self.chart.seen("appointments", "SMH", card.mrn, at)
        self.chart.row("appointments", at, text.encode())

    def touch(self, site: str, ward: str, day: int, at: int) -> None:
        """Ask the staffing system to report a ward on a day."""
        self.chart.row("staffing", at, f"{site},{ward},{day}".encode())
