"""Who a message is about, in the receiver's own terms: the identifier of the system that the destination names.

In: the person's Patient records. Out: one identifier, a name, a birth date, a sex. Refused: to guess; a person who has no
identifier there, or whose newest record has two, cannot be named to that destination.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from trivet.kernel.errors import Rejected

__all__ = ["Named", "named"]


class Named(NamedTuple):
    """What a receiver needs to find its patient. Empty where nobody sent it."""

    system: str
    value: str
    family: str = ""
    given: str = ""
    born: str = ""
    sex: str = ""


def named(patients: Sequence[dict[str, Any]], system: str) -> Named | Rejected:
    """The person under `system`. Rejected E856 when the records do not say, E857 when they say two things at once."""
    for patient in reversed(patients):
        values = sorted({one["value"] for one in patient.get("identifier") or () if one.get("system") == system and one.get("value")})
        if len(values) > 1:
            return Rejected("E857", "two identifiers of the destination's system in one record")
        if values:
            name: dict[str, Any] = next(iter(patient.get("name") or ()), {})
            given = " ".join(name.get("given") or ())
            sex = {"male": "M", "female": "F", "other": "O", "unknown": "U"}.get(patient.get("gender", ""), "")
            return Named(system, values[0], name.get("family", ""), given, patient.get("birthDate", ""), sex)
    return Rejected("E856", "no identifier of the destination's system")
