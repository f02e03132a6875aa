"""Who asks for data, and what for."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Caller", "Ruling"]


@dataclass(frozen=True, slots=True)
class Caller:
    """`role` and `purpose` are words of `maps/access`; `reason` is free text that goes on record, `by` who it is."""

    role: str
    purpose: str
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """May it be read? `policies` are those that decided, `obligations` what the permit asks for in return."""

    allowed: bool
    policies: tuple[str, ...]
    obligations: tuple[str, ...] = ()
