"""Conversions of FHIRPath 2.0.0, section 5.5: each gives None where there is no conversion."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from trivet.kernel.fhirpath.temporal import Temporal
from trivet.kernel.fhirpath.values import CALENDAR, Quantity

__all__ = ["CONVERSIONS"]

TRUE, FALSE = {"true", "t", "yes", "y", "1", "1.0"}, {"false", "f", "no", "n", "0", "0.0"}
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
AMOUNT = re.compile(r"(?P<value>[+-]?\d+(?:\.\d+)?)\s*(?:'(?P<unit>[^']+)'|(?P<word>[a-z]+))?")


def to_boolean(value: Any, _: Any = None) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, Decimal)):
        return {0: False, 1: True}.get(int(value)) if value in (0, 1) else None
    word = value.lower() if isinstance(value, str) else ""
    return True if word in TRUE else False if word in FALSE else None


def to_integer(value: Any, _: Any = None) -> int | None:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value) else None


def to_decimal(value: Any, _: Any = None) -> Decimal | None:
    if isinstance(value, bool):
        return Decimal(int(value))
    if isinstance(value, (int, Decimal)):
        return Decimal(value)
    return Decimal(value) if isinstance(value, str) and NUMBER.fullmatch(value) else None


def to_string(value: Any, _: Any = None) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Temporal):
        return value.text
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value) if isinstance(value, (int, str, Quantity)) else None


def to_date(value: Any, _: Any = None) -> Temporal | None:
    if isinstance(value, Temporal):
        return None if value.kind == "Time" else Temporal.read(value.text[:10].removesuffix("T"), "Date")
    return Temporal.read(value[:10] if "T" in value else value, "Date") if isinstance(value, str) and value[:1].isdigit() else None


def to_datetime(value: Any, _: Any = None) -> Temporal | None:
    if isinstance(value, Temporal):
        return None if value.kind == "Time" else Temporal("DateTime", value.parts, value.zone, value.text)
    return Temporal.read(value, "DateTime") if isinstance(value, str) and value[:1].isdigit() else None


def to_time(value: Any, _: Any = None) -> Temporal | None:
    if isinstance(value, Temporal):
        return value if value.kind == "Time" else None
    if not isinstance(value, str) or not re.match(r"T?\d\d", value):
        return None
    return Temporal.read("T" + value.removeprefix("T"), "Time")


def to_quantity(value: Any, unit: Any = None) -> Quantity | None:
    found: Quantity | None = None
    if isinstance(value, bool):
        found = Quantity(Decimal(int(value)), "1")
    elif isinstance(value, Quantity):
        found = value
    elif isinstance(value, (int, Decimal)):
        found = Quantity(Decimal(value), "1")
    elif isinstance(value, str) and (match := AMOUNT.fullmatch(value.strip())):
        word = match["word"]
        if word is None or word.removesuffix("s") in CALENDAR:
            found = Quantity(Decimal(match["value"]), match["unit"] or (word or "1").removesuffix("s"), ucum=word is None)
    if found is None or unit is None:
        return found
    return found if found.unit == unit or found.code == unit else None


CONVERSIONS: dict[str, Callable[..., Any]] = {
    "Boolean": to_boolean,
    "Integer": to_integer,
    "Long": to_integer,
    "Decimal": to_decimal,
    "String": to_string,
    "Date": to_date,
    "DateTime": to_datetime,
    "Time": to_time,
    "Quantity": to_quantity,
}
"""Conversion by type name: (value, unit or None) -> value or None."""
