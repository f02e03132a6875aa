"""What single values become: HL7 v2 text to FHIR primitives. Pure functions; a value that is wrong raises `Doubt`, none is repaired.

Times: chapter 2A "DTM" says that a time without an offset is in the offset of MSH-7, and else local to the sender; the
profile's zone stands for the sender. Precision is kept as far as FHIR can say it (hours and minutes are filled with zeros).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trivet.kernel.errors import Fault

__all__ = ["Bad", "Doubt", "boolean", "date", "date_time", "decimal", "instant", "integer", "own_offset", "positive", "time"]

_DTM = re.compile(r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(?:\.|(?=\d{3}(?!\d)))(\d{1,6}))?)?)?)?)?)?([+-]\d{4})?")
_TM = re.compile(r"(\d\d)(?:(\d\d)(?:(\d\d)(\.\d{1,4})?)?)?([+-]\d{4})?")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?|[+-]?\.\d+")


class Doubt(ValueError):
    """A value that is not what its data type says. `kind` is the kind of notice: `doubtful-date`, `doubtful-number`, `unknown-code`."""

    def __init__(self, kind: str, why: str, system: str = "", code: str = "") -> None:
        super().__init__(why)
        self.kind, self.why, self.system, self.code = kind, why, system, code
        self.leaf: Any = None


class Bad(Exception):
    """A value that must be right is not: the record around it is refused. `leaf` is where it stands, `rule` what asked for it."""

    def __init__(self, code: str, reason: str, leaf: Any, rule: str) -> None:
        super().__init__(reason)
        self.code, self.reason, self.leaf, self.rule = code, reason, leaf, rule


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise Fault("E213", "a feed's zone is not an IANA zone", where=name, help="set zone of the source in trivet.toml") from None


def own_offset(text: str) -> str:
    """The offset a DTM carries itself, `+0100`, or ""."""
    if "+" not in text and "-" not in text:
        return ""
    found = _DTM.fullmatch(text.strip())
    return found[8] or "" if found else ""


@lru_cache(maxsize=16384)
def date_time(text: str, offset: str, zone: str) -> str:
    """FHIR dateTime of a DTM or TS: same precision from year to second, milliseconds with or without their point. Raises Doubt."""
    found = _DTM.fullmatch(text.strip())
    if found is None:
        raise Doubt("doubtful-date", "not YYYY[MM[DD[HH[MM[SS[.S]]]]]][+ZZZZ]")
    year, month, day, hour, minute, second, fraction, own = found.groups()
    try:
        moment = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC)
    except ValueError as error:
        raise Doubt("doubtful-date", str(error)) from None
    if day is None or hour is None:
        return "-".join(part for part in (year, month, day) if part)
    shift = own or offset
    if shift:
        tail = f"{shift[:3]}:{shift[3:]}"
        if int(shift[1:3]) > 14 or int(shift[3:]) > 59:
            raise Doubt("doubtful-date", "an offset of more than 14 hours")
    else:
        tail = _local(moment, zone)
    return f"{year}-{month}-{day}T{hour}:{minute or '00'}:{second or '00'}{'.' + fraction if fraction else ''}{tail}"


def _local(moment: datetime, zone: str) -> str:
    """The offset that was in force at the sender's place at that local time. The earlier of two in the hour that repeats."""
    away = _zone(zone).utcoffset(moment.replace(tzinfo=None)) or timedelta(0)
    if not away:
        return "Z" if zone == "UTC" else "+00:00"
    minutes = round(away.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


@lru_cache(maxsize=16384)
def date(text: str) -> str:
    """FHIR date of a DT or DTM: the day, or less if less is known. Raises Doubt."""
    return date_time(_digits(text), "", "UTC")


def _digits(text: str) -> str:
    text = text.strip()
    return text[:8] if text[:8].isdigit() and _DTM.fullmatch(text) else text


def instant(text: str, offset: str, zone: str) -> str:
    """FHIR instant. Raises Doubt when not even the hour is known: an instant must not be invented."""
    found = date_time(text, offset, zone)
    if len(found) <= 10:
        raise Doubt("doubtful-date", "a day is not an instant")
    return found


def time(text: str) -> str:
    """FHIR time of a TM, `HH[MM[SS[.S]]]`. An offset cannot be said in FHIR and is left out. Raises Doubt."""
    found = _TM.fullmatch(text.strip())
    if found is None or int(found[1]) > 23 or int(found[2] or 0) > 59 or int(found[3] or 0) > 59:
        raise Doubt("doubtful-date", "not HH[MM[SS]]")
    return f"{found[1]}:{found[2] or '00'}:{found[3] or '00'}{found[4] or ''}"


def decimal(text: str) -> Decimal:
    """The number as written: `1.10` keeps its zero. Raises Doubt."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise Doubt("doubtful-number", "not a number")
    return Decimal(text.rstrip(".") if text[-1] == "." else text)


def integer(text: str) -> int:
    """A whole number. Raises Doubt for anything else."""
    number = decimal(text)
    if number != number.to_integral_value() or abs(number) > 2**31 - 1:
        raise Doubt("doubtful-number", "not a whole number")
    return int(number)


def positive(text: str) -> int:
    """A whole number from 1 up. Raises Doubt."""
    number = integer(text)
    if number < 1:
        raise Doubt("doubtful-number", "not a positive number")
    return number


def boolean(text: str) -> bool:
    """Table 0136: Y or N. Raises Doubt."""
    found = {"Y": True, "N": False, "YES": True, "NO": False, "1": True, "0": False}.get(text.strip().upper())
    if found is None:
        raise Doubt("unknown-code", "neither Y nor N", "http://terminology.hl7.org/CodeSystem/v2-0136", text.strip())
    return found
