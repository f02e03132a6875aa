"""Codes that the standard itself lists: value sets that are required, code systems with their display names, extensions.

From the tables of `maps/fhir`, read when first asked. A system that is not here is nobody's fault; a code that is not in a system
that is here is (HL7's own systems; for the HL7 v2 and v3 tables, which grow without FHIR, it is worth a warning).
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

from trivet.kernel.resources import text

__all__ = ["Extension", "Part", "Terms", "rows", "terms"]

MOVING = ("http://terminology.hl7.org/CodeSystem/v2-", "http://terminology.hl7.org/CodeSystem/v3-")
FIXED = ("http://hl7.org/fhir/", "http://terminology.hl7.org/CodeSystem/")


def rows(name: str) -> csv.DictReader[str]:
    """The rows of a table."""
    return csv.DictReader(io.StringIO(text("trivet.maps", "fhir", name + ".csv")))


class Part(NamedTuple):
    """What an extension, or one of its parts, holds."""

    least: int
    most: str
    types: tuple[str, ...]
    valueset: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extension:
    """A defined extension: `parts` by name, the whole under the empty name; `contexts` as (`element`, `Patient.name`)."""

    url: str
    contexts: tuple[tuple[str, str], ...]
    modifier: bool
    parts: dict[str, Part]


class Terms:
    """The tables, as sets and dicts."""

    @cached_property
    def valuesets(self) -> dict[str, dict[str, frozenset[str]]]:
        """Value set -> system -> codes."""
        made: dict[str, dict[str, frozenset[str]]] = {}
        for row in rows("bindings"):
            held = made.setdefault(row["valueset"], {})
            held[row["system"]] = held.get(row["system"], frozenset()) | frozenset(row["codes"].split())
        return made

    @cache  # noqa: B019  one object for the life of the process
    def plain_codes(self, valueset: str) -> frozenset[str] | None:
        """All codes of a value set, whatever their system; None when it cannot be listed."""
        found = self.valuesets.get(valueset)
        return frozenset().union(*found.values()) if found else None

    @cached_property
    def systems(self) -> dict[str, dict[str, str]]:
        """System -> code -> display name; codes in small letters where the system does not mind their case."""
        indifferent = {row["system"] for row in rows("codesystems") if row["case_sensitive"] == "false"}
        made: dict[str, dict[str, str]] = {}
        for row in rows("codes"):
            code = row["code"].lower() if row["system"] in indifferent else row["code"]
            made.setdefault(row["system"], {})[code] = row["display"]
        self.indifferent = indifferent
        return made

    def concept(self, system: str, code: str) -> str | None:
        """The display name of a code; None when the system does not have it. Ask only for a system of `systems`."""
        held = self.systems[system]
        return held.get(code.lower() if system in self.indifferent else code)

    def settled(self, system: str) -> bool:
        """Whether a system belongs to this release of FHIR and does not grow without it."""
        return system.startswith(FIXED) and not system.startswith(MOVING)

    @cached_property
    def extensions(self) -> dict[str, Extension]:
        """Address -> extension."""
        made: dict[str, Extension] = {}
        for row in rows("extensions"):
            if not row["part"]:
                places = tuple((kind, path) for kind, _, path in (word.partition(":") for word in row["contexts"].split()))
                made[row["url"]] = Extension(row["url"], places, row["modifier"] == "true", {})
            kinds = tuple(kind.split(">") for kind in row["types"].split(";") if kind)
            targets = tuple(target for kind in kinds for target in kind[1:])
            part = Part(int(row["min"]), row["max"], tuple(kind[0] for kind in kinds), row["valueset"], targets)
            made[row["url"]].parts[row["part"]] = part
        return made


@cache
def terms() -> Terms:
    """The shipped tables."""
    return Terms()
