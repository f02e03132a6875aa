"""Suggestions for local codes: ranked, each with its evidence, never a decision.

In order: the very name (normalised) of a standard code; what somebody approved for another feed; likeness of the names. Then every
candidate must fit what the local code's own values show: kind of value, unit, specimen named in the text, range. One that does not fit is
dropped, and that is said with the reason. In, a local code with its facts; out, suggestions and what was dropped.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from trivet.contracts.terminology import Concept
from trivet.data.measures import canonical_unit, converted
from trivet.data.units import BadUnit, parse
from trivet.data.vocabulary.embedded import Embedded
from trivet.data.vocabulary.library import Held
from trivet.data.vocabulary.ngrams import NgramIndex, normal
from trivet.kernel.resources import text

__all__ = ["Dropped", "Local", "Memory", "Suggester", "Suggestion", "approvers", "targets"]

NEAREST = 200  # names looked at before the facts decide
LEAST = 0.15  # likeness below which a name is no suggestion


class Local(NamedTuple):
    """A local code and what its own values show. `numeric` and `worded` count values; `middle` is their median, in the unit most used."""

    source: str
    system: str
    code: str
    display: str
    types: tuple[str, ...] = ()
    volume: int = 0
    units: tuple[str, ...] = ()
    numeric: int = 0
    worded: int = 0
    middle: float | None = None


class Memory(NamedTuple):
    """An approved map row."""

    source: str
    system: str
    code: str
    display: str
    target_system: str
    target_code: str
    approver: str


class Suggestion(NamedTuple):
    """A standard code that may be meant. `score` orders, it is no probability; `evidence` is what a human looks at."""

    system: str
    version: str
    code: str
    display: str
    score: float
    evidence: tuple[str, ...]
    approvers: int


class Dropped(NamedTuple):
    """A candidate that the code's own values speak against."""

    system: str
    code: str
    display: str
    why: str


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """A table of `maps/terminology`."""
    return tuple(csv.DictReader(text("trivet.maps", "terminology", name).splitlines()))


def targets(types: Sequence[str]) -> tuple[str, ...]:
    """The standard systems for codes of these record types, in order."""
    return tuple(dict.fromkeys(row["system"] for row in rows("targets.csv") if row["type"] in types))


def approvers(types: Sequence[str], system: str) -> int:
    """How many people must approve: two where a dose may hang on it, whether by the kind of record or by the code system."""
    return max([1, *(int(row["approvers"]) for row in rows("targets.csv") if row["type"] in types or row["system"] == system)])


@cache
def ranges() -> dict[str, tuple[str, float, float]]:
    """LOINC code -> unit and the limits of what can be."""
    table = csv.DictReader(text("trivet.maps", "quality", "plausible.csv").splitlines())
    return {row["loinc"]: (row["unit"], float(row["low"]), float(row["high"])) for row in table}


class Suggester:
    """Suggests over what is loaded; an index for each system is made when it is first needed."""

    def __init__(self, terms: Embedded, memory: Sequence[Memory], refusals: Mapping[tuple[str, ...], str] = MappingProxyType({})) -> None:
        self.terms, self.memory, self.refusals = terms, memory, refusals
        self.indexes: dict[int, tuple[list[tuple[str, str]], NgramIndex]] = {}

    def index(self, held: Held) -> tuple[list[tuple[str, str]], NgramIndex]:
        """Names of active codes (code, name) and their index."""
        if held.id not in self.indexes:
            names = [(code, name) for code, name in self.terms.library.rows("names", held.id)]
            self.indexes[held.id] = names, NgramIndex([name for _, name in names])
        return self.indexes[held.id]

    def suggest(self, local: Local, limit: int = 5) -> tuple[list[Suggestion], list[Dropped], list[str]]:
        """Suggestions best first, what was dropped, and the systems that should have been looked at and are not loaded."""
        found, dropped, missing = list[Suggestion](), list[Dropped](), list[str]()
        for system in targets(local.types):
            held = self.terms.edition(system)
            if held is None:
                missing.append(system)
                continue
            for code, (score, evidence) in self.candidates(local, held).items():
                concept = self.terms.lookup(system, code)
                if not concept.active or concept.abstract:
                    dropped.append(Dropped(system, code, concept.display, "retired, or a group that is not used itself"))
                    continue
                no = self.refusals.get((local.source, local.system, local.code, system, code), "")
                against, fits = (no, []) if no else self.judged(local, concept)
                if against:
                    dropped.append(Dropped(system, code, concept.display, against))
                    continue
                said = (*evidence, *fits)
                found.append(Suggestion(system, held.version, code, concept.display, round(score, 4), said, approvers(local.types, system)))
        found.sort(key=lambda one: (-one.score, one.system, one.code))
        return found[:limit], dropped[: 4 * limit], missing

    def candidates(self, local: Local, held: Held) -> dict[str, tuple[float, tuple[str, ...]]]:
        """Code -> score and evidence, before the facts decide."""
        names, index = self.index(held)
        wanted, found = normal(local.display), dict[str, tuple[float, tuple[str, ...]]]()
        for one in self.memory:
            same = one.code == local.code or (wanted and normal(one.display) == wanted)
            if one.target_system == held.system and same and one.source != local.source:
                found.setdefault(one.target_code, (1.0, (f"approved for {one.source} by {one.approver}",)))
        for place, score in index.search(local.display, NEAREST) if wanted else ():
            code, name = names[place]
            if normal(name) == wanted:
                found[code] = (1.0, (*found.get(code, (0, ()))[1], f"the very name: {name}"))
            elif score >= LEAST and code not in found:
                found[code] = (score * 0.95, (f"likeness {score:.2f} to: {name}",))
        known = {code for code in found if self.terms.library.rows("concept_one", held.id, code)}
        return {code: said for code, said in found.items() if code in known}

    def judged(self, local: Local, concept: Concept) -> tuple[str, list[str]]:
        """Why a candidate cannot be (empty: it can), and what speaks for it."""
        properties, fits = dict(concept.properties), list[str]()
        for against in self.rules(local, concept, properties, fits):
            return against, []
        return "", fits

    def rules(self, local: Local, concept: Concept, properties: Mapping[str, str], fits: list[str]) -> Iterator[str]:
        """Each reason against a candidate; what fits is added to `fits`."""
        scale = properties.get("SCALE_TYP", "")
        if scale and local.numeric and not local.worded and scale not in ("Qn", "OrdQn", "*", "-"):
            yield f"kind of value: numbers came, {concept.code} is {scale}"
        if scale == "Qn" and local.worded and not local.numeric:
            yield f"kind of value: texts came, {concept.code} is Qn"
        where = properties.get("SYSTEM", "")
        named = [row for row in rows("specimens.csv") if re.search(rf"\b(?:{row['words']})\b", local.display, re.I)]
        if where and named:
            if not any(re.fullmatch(row["loinc"], where) for row in named):
                yield f"specimen: the text says {named[0]['specimen']}, {concept.code} is of {where}"
            fits.append(f"specimen fits: {where}")
        unit = canonical_unit(concept.code) or properties.get("EXAMPLE_UCUM_UNITS", "").split(";")[0]
        if unit and local.units:
            if not any(comparable(one, unit) for one in local.units):
                yield f"unit: {', '.join(local.units)} came, {concept.code} is measured in {unit}"
            fits.append(f"unit fits: {unit}")
        limits = ranges().get(concept.code)
        if limits and local.middle is not None and local.units:
            value = converted(concept.code, as_decimal(local.middle), local.units[0], limits[0])
            if value is not None and not limits[1] <= float(value) <= limits[2]:
                yield f"range: the middle value lies outside of what {concept.code} can have ({limits[1]:g} to {limits[2]:g} {limits[0]})"
            fits += ["range fits"] if value is not None else []


def comparable(unit: str, other: str) -> bool:
    """Do two units measure the same thing, without a molar mass in between?"""
    try:
        return parse(unit).comparable(parse(other))
    except BadUnit:
        return False


def as_decimal(value: float) -> Decimal:
    """A median for a comparison."""
    return Decimal(repr(value))
