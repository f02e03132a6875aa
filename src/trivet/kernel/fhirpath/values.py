"""What FHIRPath computes with: items (a value with its type) and quantities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from trivet.kernel.fhirpath.temporal import Temporal

__all__ = ["CALENDAR", "Item", "Quantity", "Units", "system_item"]

CALENDAR = {"year": "a", "month": "mo", "week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s", "millisecond": "ms"}
Units = Callable[[Decimal, str, str], Decimal | None]
"""Converts a value from one UCUM unit to another; None when it cannot. Handed in: units are another room's knowledge."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with its unit: a UCUM code, or a calendar word (`ucum` false)."""

    value: Decimal
    unit: str
    ucum: bool = True

    @property
    def code(self) -> str:
        """The unit as a UCUM code where there is one."""
        return self.unit if self.ucum else CALENDAR.get(self.unit, self.unit)

    def __str__(self) -> str:
        return f"{self.value} '{self.unit}'" if self.ucum else f"{self.value} {self.unit}{'' if abs(self.value) == 1 else 's'}"


class Item(NamedTuple):
    """`value` is a Python value (bool, int, Decimal, str, Temporal, Quantity, or the dict of a complex element), `type` is
    `System.Integer` or `FHIR.code`, `extra` the `_name` sibling of a FHIR primitive (its id and extensions), if any."""

    value: Any
    type: str
    extra: dict[str, Any] | None = None


NAMES = {bool: "Boolean", int: "Integer", Decimal: "Decimal", str: "String", Quantity: "Quantity", dict: "ClassInfo"}


def system_item(value: Any) -> Item:
    """A computed value as an item."""
    return Item(value, "System." + (value.kind if isinstance(value, Temporal) else NAMES[type(value)]))
