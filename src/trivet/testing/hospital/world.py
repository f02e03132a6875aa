"""Everything a life is simulated in: the tables, the calendar, the wards, the first day, and now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from trivet.testing.hospital.almanac import DAY, HOUR, Almanac, seconds
from trivet.testing.hospital.tables import Coefficients, Tables, Ward, load
from trivet.testing.hospital.wardtime import WardTime

__all__ = ["World", "build"]

ZONE = "America/Chicago"
SPAN = 730  # days from the first day to the anchor: faults "of last month" count back from the anchor


@dataclass(frozen=True, slots=True)
class World:
    """`start` and `now` bound what is delivered; `anchor` is the day that recent faults count back from (start + 730 days).

    With `start` held, moving `now` forward continues the same history: nothing that was delivered changes.
    """

    seed: int
    start: int
    now: int
    anchor: int
    first: date
    tables: Tables
    almanac: Almanac
    shifts: WardTime
    places: dict[tuple[str, str], tuple[Ward, ...]]
    faults: bool

    def figures(self, name: str) -> Coefficients:
        """A table of `tables/parameters.toml`."""
        return self.tables.parameters[name]

    @property
    def horizon(self) -> int:
        """Lives go on for 31 days after now, so that the outcome of today's discharges is known to the truth."""
        return self.now + 31 * DAY

    def analyser(self, at: int) -> bool:
        """Is this inside the window in which one analyser of laboratory A mixes up its units?"""
        table = self.tables.faults["unit_mixed_up"]
        first, last = int(str(table["first_day"])), int(str(table["last_day"]))
        return self.faults and self.anchor + first * DAY <= at < self.anchor + last * DAY

    def silent(self, source: str, at: int) -> bool:
        """Has the feed that falls silent fallen silent by `at`?"""
        table = self.tables.faults["silent_feed"]
        return self.faults and source == table["feed"] and at > self.now - int(str(table["hours"])) * HOUR


def build(seed: int, today: str, start: str | None, *, faults: bool) -> World:
    """The world of a seed. `today` and `start` are dates (`today` means its noon, UTC) or RFC 3339 instants."""
    tables = load()
    now = seconds(today)
    first = date.fromisoformat(start[:10]) if start else date.fromisoformat(today[:10]) - timedelta(days=SPAN)
    begin = seconds(first.isoformat())
    if now - begin < 30 * DAY:
        raise ValueError("today must be at least 30 days after start")
    almanac = Almanac(ZONE)
    places: dict[tuple[str, str], list[Ward]] = {}
    for ward in tables.wards:
        places.setdefault((ward.site, ward.kind), []).append(ward)
    return World(
        seed=seed,
        start=begin,
        now=now,
        anchor=begin + SPAN * DAY,
        first=first,
        tables=tables,
        almanac=almanac,
        shifts=WardTime(seed, tables.wards, almanac.day(begin)),
        places={key: tuple(wards) for key, wards in places.items()},
        faults=faults,
    )
