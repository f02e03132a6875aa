"""What a terminology answers: always with the system and the version that answered, and `unknown` when nobody can tell.

A `Verdict` is `valid` only when a code system or value set in a known version says so. A server that is down, a system that nobody
loaded and a value set that cannot be listed give `unknown`, with the reason; callers treat it as not proven.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Coding", "Concept", "Expansion", "Hit", "Subsumption", "Translation", "Verdict"]

State = Literal["valid", "invalid", "unknown"]


@dataclass(frozen=True, slots=True)
class Coding:
    """A code of a system; `version` and `display` are empty when nobody said them."""

    system: str
    code: str
    version: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True)
class Concept:
    """What is known of one code: `since` and `until` are dates (YYYY-MM-DD) where the release says them, else empty."""

    system: str
    version: str
    code: str
    display: str
    active: bool
    abstract: bool = False
    since: str = ""
    until: str = ""
    parents: tuple[str, ...] = ()
    designations: tuple[dict[str, str], ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    answered_by: str = "embedded"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Is this code right? `messages` say what is not as it should be, also beside a `valid` (a retired code, another display)."""

    result: State
    system: str
    version: str
    code: str
    display: str = ""
    valueset: str = ""
    active: bool | None = None
    messages: tuple[str, ...] = ()
    answered_by: str = "embedded"


@dataclass(frozen=True, slots=True)
class Subsumption:
    """FHIR's outcome of `$subsumes`: equivalent, subsumes, subsumed-by, not-subsumed; `unknown` when nobody can tell."""

    outcome: str
    system: str
    version: str
    reason: str = ""
    answered_by: str = "embedded"


@dataclass(frozen=True, slots=True)
class Translation:
    """One target that a concept map names for a code."""

    map: str
    version: str
    relation: str
    target: Coding
    answered_by: str = "embedded"


@dataclass(frozen=True, slots=True)
class Expansion:
    """One page of a value set: `total` codes in all, `versions` of the systems that were used."""

    valueset: str
    version: str
    total: int
    offset: int
    codes: tuple[Concept, ...]
    versions: tuple[str, ...]
    answered_by: str = "embedded"


@dataclass(frozen=True, slots=True)
class Hit:
    """A code found by words: `text` is the name that matched, a higher `score` is a better match."""

    system: str
    version: str
    code: str
    display: str
    text: str
    score: float
