"""Dates, date-times and times with the precision they came with (FHIRPath 2.0.0, sections 4.1.6 to 4.1.8 and 6.1, 6.2, 6.6)."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal

__all__ = ["Temporal", "written"]

SHAPE = re.compile(
    r"@?(?:(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?)?"
    r"(?P<t>T(?:(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?)?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?"
)
LIMITS = ((1, 9999), (1, 12), (1, 31), (0, 23), (0, 59), (0, 60), (0, 999))
PLACES = {"year": 1, "month": 2, "week": 3, "day": 3, "hour": 4, "minute": 5, "second": 6, "millisecond": 7}
NAMES = {1: 4, 2: 6, 3: 8}


@dataclass(frozen=True, slots=True)
class Temporal:
    """`kind` is Date, DateTime or Time; `parts` are year, month, day, hour, minute, second, millisecond as far as known
    (a Time starts at the hour); `zone` is minutes east of UTC, None when nobody said; `text` is the literal it came from."""

    kind: str
    parts: tuple[int, ...]
    zone: int | None
    text: str

    @staticmethod
    def read(text: str, kind: str = "") -> Temporal | None:
        """The value of a literal (with or without `@`) or of a FHIR primitive; None when there is no such moment."""
        text = "T" + text if kind == "Time" and text[:1].isdigit() else text
        match = SHAPE.fullmatch(text.strip())
        if match is None or not text.strip("@ "):
            return None
        found = match.groupdict()
        names = ("hour", "minute", "second") if found["year"] is None else ("year", "month", "day", "hour", "minute", "second")
        parts = []
        for name in names:
            if found[name] is None:
                break
            parts.append(int(found[name]))
        if found["fraction"]:
            parts.append(int(found["fraction"][:3].ljust(3, "0")))
        shape = "Time" if found["year"] is None else "DateTime" if found["t"] else "Date"
        if not parts or (kind and kind != shape and not (kind == "DateTime" and shape == "Date")):
            return None
        offset = 7 - 4 if shape == "Time" else 0
        limits = LIMITS[offset:]
        if any(not low <= part <= high for part, (low, high) in zip(parts, limits, strict=False)):
            return None
        if shape != "Time" and len(parts) >= 3 and parts[2] > calendar.monthrange(parts[0], parts[1])[1]:
            return None
        zone = None
        if found["zone"]:
            sign = -1 if found["zone"].startswith("-") else 1
            zone = 0 if found["zone"] == "Z" else sign * (int(found["zone"][1:3]) * 60 + int(found["zone"][4:6]))
        return Temporal(kind or shape, tuple(parts), zone, text.strip().removeprefix("@"))

    def moved(self) -> tuple[int, ...]:
        """The parts in UTC when the zone is known and there is an hour; else as they are."""
        if self.zone is None or self.kind == "Time" or len(self.parts) < 4:
            return self.parts
        full = datetime(*self.parts[:6], tzinfo=timezone(timedelta(minutes=self.zone))).astimezone(timezone.utc)  # type: ignore[misc,arg-type]  # noqa: UP017
        return (*full.timetuple()[:6], *self.parts[6:])[: len(self.parts)]

    def compare(self, other: Temporal) -> int | None:
        """-1, 0, 1; None when the precision or a missing zone leaves it open."""
        mine, theirs = self.moved(), other.moved()
        timed = self.kind != "Time" and len(mine) > 3 and len(theirs) > 3
        if timed and (self.zone is None) != (other.zone is None):
            return None
        seconds = 3 if self.kind == "Time" else 6
        mine, theirs = folded(mine, seconds), folded(theirs, seconds)
        for left, right in zip(mine, theirs, strict=False):
            if left != right:
                return -1 if left < right else 1
        return 0 if len(mine) == len(theirs) else None

    def same(self, other: Temporal) -> bool:
        """Equivalence: equal to the same precision; different precision is not equivalent."""
        return self.compare(other) == 0

    def plus(self, amount: Decimal, unit: str) -> Temporal:
        """This moment some units later, at the same precision (6.6.2). Years and months land on the last day there is."""
        offset = 3 if self.kind == "Time" else 0
        whole = int(amount)
        have = len(self.parts) + offset
        if unit in ("year", "month"):
            return self._months(whole * 12 if unit == "year" else whole)
        days = {"week": 7 * 86400, "day": 86400, "hour": 3600, "minute": 60, "second": 1, "millisecond": 0.001}[unit]
        if have < 3 and self.kind != "Time":
            step = whole * days / 86400
            return self._months(int(step / 365) * 12 if have == 1 else int(step / 30))
        if PLACES[unit] > have:
            per = {3: 86400.0, 4: 3600.0, 5: 60.0, 6: 1.0}[have]
            delta = timedelta(seconds=int(float(amount) * days / per) * per)
        else:
            scale = Decimal(whole)
            delta = timedelta(microseconds=int(scale * Decimal(str(days)) * 1_000_000))
        full = [2000, 1, 1, 0, 0, 0] if self.kind == "Time" else [1, 1, 1, 0, 0, 0]
        values = list(self.parts)
        milli = values.pop() if have == 7 else 0
        full[offset : offset + len(values)] = values
        moved = datetime(*full) + timedelta(milliseconds=milli) + delta  # type: ignore[arg-type]  # noqa: DTZ001
        parts = (*moved.timetuple()[:6], moved.microsecond // 1000)[offset:][: len(self.parts)]
        return self._with(parts)

    def _months(self, months: int) -> Temporal:
        if self.kind == "Time":
            return self
        year, month = self.parts[0], self.parts[1] if len(self.parts) > 1 else 1
        total = year * 12 + month - 1 + (months if len(self.parts) > 1 else int(months / 12) * 12)
        year, month = total // 12, total % 12 + 1
        if len(self.parts) < 3:
            return self._with((year, month)[: len(self.parts)])
        day = min(self.parts[2], calendar.monthrange(year, month)[1])
        return self._with((year, month, day, *self.parts[3:]))

    def _with(self, parts: tuple[int, ...]) -> Temporal:
        return Temporal(self.kind, parts, self.zone, written(self.kind, parts, self.zone))

    def bound(self, digits: int | None, *, high: bool) -> Temporal | None:
        """lowBoundary and highBoundary (FHIRPath 3.0.0 ballot): the first or last moment it can be, to so many digits."""
        limit = {"Date": 8, "DateTime": 17, "Time": 9}[self.kind]
        wanted = limit if digits is None else digits
        if wanted > limit or wanted < 0:
            return None
        sizes = {"Date": (4, 6, 8), "DateTime": (4, 6, 8, 10, 12, 14, 17), "Time": (2, 4, 6, 9)}[self.kind]
        if wanted not in sizes:
            return None
        count = sizes.index(wanted) + 1
        known = (*self.parts, 0) if self.kind == "DateTime" and len(self.parts) == 4 else self.parts  # FHIR has no hour without its minute
        parts = list(known[:count])
        offset = 3 if self.kind == "Time" else 0
        while len(parts) < count:
            place = len(parts) + offset
            top = calendar.monthrange(parts[0], parts[1])[1] if place == 2 else (9999, 12, 31, 23, 59, 59, 999)[place]
            parts.append(top if high else (1, 1, 1, 0, 0, 0, 0)[place])
        zone = self.zone
        if self.kind == "DateTime" and count > 3 and zone is None:
            zone = -12 * 60 if high else 14 * 60
        return Temporal(self.kind, tuple(parts), zone, written(self.kind, tuple(parts), zone))

    def precision(self) -> int:
        """Digits of precision: 4 for a year, 17 for a date-time to the millisecond, 9 for a time to the millisecond."""
        return ((4, 6, 8, 10, 12, 14, 17) if self.kind != "Time" else (2, 4, 6, 9))[len(self.parts) - 1]


def folded(parts: tuple[int, ...], seconds: int) -> tuple[int, ...]:
    """Seconds and milliseconds as one precision (6.1.1): 10:00:00 equals 10:00:00.000."""
    if len(parts) < seconds:
        return parts
    milli = parts[seconds] if len(parts) > seconds else 0
    return (*parts[: seconds - 1], parts[seconds - 1] * 1000 + milli)


def written(kind: str, parts: tuple[int, ...], zone: int | None) -> str:
    """The literal of parts."""
    offset = 3 if kind == "Time" else 0
    text = ""
    for place, part in enumerate(parts, offset):
        sign = ("", "-", "-", "T", ":", ":", ".")[place] if place > offset else ""
        text += sign + (f"{part:04d}" if place == 0 else f"{part:03d}" if place == 6 else f"{part:02d}")
    if zone is not None and len(parts) > 3:
        text += "Z" if zone == 0 else f"{'-' if zone < 0 else '+'}{abs(zone) // 60:02d}:{abs(zone) % 60:02d}"
    return text + ("T" if kind == "DateTime" and len(parts) <= 3 else "")
