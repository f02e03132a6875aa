"""Time as the hospital writes it. Inside, an instant is whole seconds since 1970 (UTC); out come the texts of each system."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from functools import cache
from zoneinfo import ZoneInfo

__all__ = ["DAY", "HOUR", "MINUTE", "Almanac", "iso_utc", "seconds"]

MINUTE, HOUR, DAY = 60, 3600, 86400


def seconds(text: str) -> int:
    """Whole seconds of a date (noon UTC) or an RFC 3339 instant. Raises ValueError for anything else."""
    if len(text) == 10:
        day = date.fromisoformat(text)
        return int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"no zone in {text!r}")
    return int(moment.timestamp())


def iso_utc(at: int) -> str:
    """Instant text of the house: `2026-03-01T07:55:00.000000Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(at))


class Almanac:
    """Local time of one zone. Offsets are looked up once an hour, which is what makes a hundred thousand messages cheap."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self.offset = cache(self._offset)

    def _offset(self, hour: int) -> int:
        delta = datetime.fromtimestamp(hour * HOUR, self._zone).utcoffset()
        return int(delta.total_seconds()) if delta else 0

    def text(self, at: int, pattern: str) -> str:
        """Local time by a `strftime` pattern."""
        return time.strftime(pattern, time.gmtime(at + self.offset(at // HOUR)))

    def hl7(self, at: int) -> str:
        """HL7 v2 DTM to the second, without offset: `20260301075500`."""
        return time.strftime("%Y%m%d%H%M%S", time.gmtime(at + self.offset(at // HOUR)))

    def iso(self, at: int) -> str:
        """ISO 8601 with the local offset: `2026-03-01T07:55:00-06:00`."""
        offset = self.offset(at // HOUR)
        sign, ahead = ("-", -offset) if offset < 0 else ("+", offset)
        return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at + offset))}{sign}{ahead // HOUR:02d}:{ahead % HOUR // MINUTE:02d}"

    def day(self, at: int) -> int:
        """Number of the local day (days since 1970-01-01)."""
        return (at + self.offset(at // HOUR)) // DAY

    def at(self, day: int, hour: float) -> int:
        """The instant of a local hour of a local day."""
        guess = day * DAY + int(hour * HOUR)
        return guess - self.offset((guess - self.offset(guess // HOUR)) // HOUR)
