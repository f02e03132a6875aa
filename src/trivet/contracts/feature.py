"""Numbers as they were known at one instant, each with the facts behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Contribution", "FeatureRow", "FeatureValue"]


class Contribution(NamedTuple):
    """One fact behind a feature value: a record version and the element of it that was read."""

    record: str
    version: int
    path: str


@dataclass(frozen=True, slots=True)
class FeatureValue:
    """A value, or a recorded absence: `value is None` means that the query found nothing, and `absence` says what it looked for.

    `value` is a float (missing never becomes 0), `unit` a UCUM code or empty, `newest_at` the event time of the newest fact.
    """

    name: str
    value: float | None
    unit: str
    contributions: tuple[Contribution, ...]
    absence: str = ""
    newest_at: str = ""


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """All features of one person at one instant. `as_of` is the ledger position up to which facts were known."""

    person: str
    instant: str
    as_of: int
    view: str
    view_digest: str
    values: tuple[FeatureValue, ...]
