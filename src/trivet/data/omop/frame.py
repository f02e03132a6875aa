"""What surrounds the records of a conversion: zones, who is who, what is referred to, which places exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

__all__ = ["Frame"]


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds the records: one zone for all instants (f2o-072), the zone of times without offset, who a patient record is.

    `persons` maps `Patient/id` to a person's key; without an entry a patient is its own person. `resources` finds what is referred to
    (Medication, Device, PractitionerRole). `shared` holds the keys of rows of providers, care sites and locations that exist.
    `visits` maps `Encounter/id` to the encounter that leads where several tell of one visit (`visits.py`).
    """

    zone: tzinfo = UTC
    local: tzinfo = UTC
    persons: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    shared: Mapping[str, frozenset[int]] = field(default_factory=dict)
    visits: Mapping[str, str] = field(default_factory=dict)
