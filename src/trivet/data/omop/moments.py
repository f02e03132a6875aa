"""FHIR dates and times as OMOP keeps them: a day, and a time of day only where the source has one, all in one zone (f2o-072, f2o-073)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any, NamedTuple

__all__ = ["Moment", "read", "wall"]

SHAPE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?)?)?")


class Moment(NamedTuple):
    """`imputed`: the source says only a year or a month, and the day is its first (f2o-071). `at` is None without a time of day."""

    day: date
    at: datetime | None
    imputed: bool


def read(said: Any, zone: tzinfo = UTC, local: tzinfo = UTC) -> Moment | None:
    """A moment in `zone`; a time without offset is one of `local`. None for what is no FHIR date."""
    found = SHAPE.fullmatch(said) if isinstance(said, str) else None
    if not found:
        return None
    try:
        if not found[4]:
            return Moment(date(int(found[1]), int(found[2] or 1), int(found[3] or 1)), None, not found[3])
        at = datetime.fromisoformat(said.replace("Z", "+00:00"))
        moved = (at if at.tzinfo else at.replace(tzinfo=local)).astimezone(zone).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return Moment(moved.date(), moved, False)


def wall(said: Any) -> Moment | None:
    """The clock on the wall: the offset is dropped, a day begins at midnight. Not what the guide asks for."""
    found = read(said)
    if found is None:
        return None
    if found.at is None:
        return Moment(found.day, datetime.combine(found.day, time()), found.imputed)
    at = datetime.fromisoformat(said.replace("Z", "+00:00")).replace(tzinfo=None)
    return Moment(at.date(), at, False)
