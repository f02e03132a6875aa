"""Wall-clock times of a source to times with an offset: the IANA zone of the feed says which.

In: a naive moment and a zone. Out: FHIR dateTime text. Of the hour that comes twice in autumn the earlier one is taken.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trivet.kernel.errors import Fault

__all__ = ["offset_at", "with_offset"]


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise Fault("E213", "a feed's zone is not an IANA zone", where=name, help="set zone of the source in trivet.toml") from None


@lru_cache(maxsize=16384)
def offset_at(moment: datetime, zone: str) -> str:
    """`Z`, `-06:00`, ... in force at a naive local moment."""
    away = _zone(zone).utcoffset(moment) or timedelta(0)
    minutes = round(away.total_seconds() / 60)
    if not minutes:
        return "Z"
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def with_offset(moment: datetime, zone: str) -> str:
    """FHIR dateTime of a naive local moment; fractions of a second are kept."""
    return moment.isoformat() + offset_at(moment, zone)
