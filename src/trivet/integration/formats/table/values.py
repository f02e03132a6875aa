"""What a cell becomes: text, code, number, date, identifier, reference. In: a cell's text and a rule. Refused: a value that is not one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from trivet.contracts.profile import SourceProfile
from trivet.integration.moments import with_offset
from trivet.kernel.checkdigits import CHECKED, own_code
from trivet.kernel.digest import record_id
from trivet.kernel.errors import Fault

__all__ = ["HOW", "BadCell", "Unknown"]

NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
DATE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")
MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|[+-]\d\d:?\d\d)?")
TRUE, FALSE = {"true", "t", "yes", "y", "1"}, {"false", "f", "no", "n", "0"}


class BadCell(ValueError):
    """A cell that is not what its rule says it is."""


class Unknown(ValueError):
    """A word that a value map does not have."""


def as_text(value: str, argument: str, profile: SourceProfile) -> Any:
    """The text as it stands."""
    return value


def as_date(value: str, argument: str, profile: SourceProfile) -> Any:
    """A date, by ISO 8601 or by the pattern the map names; a date-time gives its date."""
    try:
        if argument:
            return datetime.strptime(value, argument).date().isoformat()  # noqa: DTZ007  a date has no zone
        day = value[:10] if MOMENT.fullmatch(value) else value
        if not DATE.fullmatch(day):
            raise ValueError
        if len(day) == 10:
            datetime.fromisoformat(day)
    except ValueError:
        raise BadCell("not a date") from None
    return day


def as_moment(value: str, argument: str, profile: SourceProfile) -> Any:
    """A moment with its offset: its own, or that of the feed's zone. A bare date stays a date."""
    try:
        if argument:
            return with_offset(datetime.strptime(value, argument), profile.zone)  # noqa: DTZ007  the zone follows
        if DATE.fullmatch(value):
            return as_date(value, "", profile)
        found = MOMENT.fullmatch(value)
        if found is None:
            raise ValueError
        day, time, zone = found.groups()
        time = time if time.count(":") == 2 else time + ":00"
        moment = datetime.fromisoformat(f"{day}T{time}")
    except ValueError:
        raise BadCell("not a date and time") from None
    if zone is None:
        return with_offset(moment, profile.zone)
    return f"{day}T{time}{zone if zone == 'Z' or ':' in zone else zone[:3] + ':' + zone[3:]}"


def as_decimal(value: str, argument: str, profile: SourceProfile) -> Any:
    """A number with its own digits."""
    if not NUMBER.fullmatch(value):
        raise BadCell("not a number")
    return Decimal(value)


def as_integer(value: str, argument: str, profile: SourceProfile) -> Any:
    """A whole number."""
    if not re.fullmatch(r"[+-]?\d+", value):
        raise BadCell("not a whole number")
    return int(value)


def as_boolean(value: str, argument: str, profile: SourceProfile) -> Any:
    """yes and no in the usual spellings."""
    word = value.lower()
    if word not in TRUE | FALSE:
        raise BadCell("neither yes nor no")
    return word in TRUE


def as_money(value: str, argument: str, profile: SourceProfile) -> Any:
    """An amount in the currency that the map names."""
    return {"value": as_decimal(value, "", profile), "currency": argument}


def as_identifier(value: str, argument: str, profile: SourceProfile) -> Any:
    """An identifier in the system that the map names, or in the feed's own."""
    return {"system": argument if ":" in argument else f"{profile.base}/{argument or 'id'}", "value": value}


def as_reference(value: str, argument: str, profile: SourceProfile) -> Any:
    """A reference to the record of the same feed that has this key."""
    return {"reference": f"{argument}/{record_id(profile.source, argument, value)}"}


def as_system(value: str, argument: str, profile: SourceProfile) -> Any:
    """A URI under the feed's own base."""
    return f"{profile.base}/{value}"


def as_map(value: str, argument: str, profile: SourceProfile) -> Any:
    """The word that the map has for it: `M=male;F=female`; `*=x` stands for every other word."""
    held = dict(pair.split("=", 1) for pair in argument.split(";"))
    found = held.get(value, held.get("*"))
    if found is None:
        raise Unknown(value)
    return found


def as_coding(value: str, argument: str, profile: SourceProfile) -> Any:
    """A code in the system whose check digit it has, of those that the map names; without a system where it has none of them."""
    for system in argument.split():
        if system not in CHECKED:
            raise Fault("E324", "a table map knows a code by a check digit that its system lacks", why=system, help="use a constant")
        if own_code(system, value):
            return {"system": system, "code": value}
    return {"code": value}


HOW: dict[str, Callable[[str, str, SourceProfile], Any]] = {
    "": as_text,
    "text": as_text,
    "carry": as_text,
    "date": as_date,
    "dateTime": as_moment,
    "decimal": as_decimal,
    "integer": as_integer,
    "boolean": as_boolean,
    "money": as_money,
    "identifier": as_identifier,
    "reference": as_reference,
    "system": as_system,
    "map": as_map,
    "coding": as_coding,
}
"""Name in the column `how` -> function of (cell, `with`, profile)."""
