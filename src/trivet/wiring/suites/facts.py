"""Facts of FHIR resources, and how many of the expected ones an output holds.

A fact is (resource type, element path without indices, value). What every converter decides for itself is not a fact: ids,
reference targets beyond their type, narrative, extensions, meta, and the resource types around the message. Values are compared
after normalisation: moments in UTC when they carry an offset, numbers by value, text without case or extra blanks; a date
matches a finer or coarser one that begins the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

__all__ = ["Fact", "Tally", "facts_of", "resources_in"]

Fact = tuple[str, str, str]

_AROUND = frozenset(("MessageHeader", "Provenance", "Composition", "Bundle", "OperationOutcome", "Parameters"))
_OWN = frozenset(("id", "fullUrl", "meta", "extension", "modifierExtension", "div", "implicitRules", "contained", "resourceType"))
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_TARGET = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/[^/]+")


def resources_in(document: Any) -> Iterator[dict[str, Any]]:
    """Every resource of a bundle or a list, contained ones too."""
    if isinstance(document, list):
        for one in document:
            yield from resources_in(one)
    elif isinstance(document, dict) and document.get("resourceType") == "Bundle":
        for entry in document.get("entry", []):
            if isinstance(entry, dict) and "resource" in entry:
                yield from resources_in(entry["resource"])
    elif isinstance(document, dict) and "resourceType" in document:
        yield document
        yield from resources_in(document.get("contained", []))


def _value(value: Any) -> str:
    """A primitive in the form in which it is compared."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float, Decimal)):
        return format(float(value), "g")
    text = str(value).strip()
    if _DATE.fullmatch(text):
        return _moment(text) if "T" in text else text
    if _NUMBER.fullmatch(text):
        padded = len(text) > 1 and text[0] == "0" and text[1] != "."
        return text if len(text) >= 16 or padded else format(float(text), "g")
    return re.sub(r"\s+", " ", text).lower()


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return text
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    return moment.replace(microsecond=0, tzinfo=None).isoformat()


def _walk(node: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, inner in node.items():
            if key in _OWN or key.startswith("_"):
                continue
            if key == "reference" and isinstance(inner, str):
                target = _TARGET.fullmatch(inner)
                if target is not None:
                    yield f"{path}.reference", target[1]
                continue
            yield from _walk(inner, f"{path}.{key}" if path else key)
    elif isinstance(node, list):
        for inner in node:
            yield from _walk(inner, path)
    else:
        text = _value(node)
        if text not in ("", "none") and path != "text.status":
            yield path, text


def facts_of(resources: Iterable[dict[str, Any]]) -> set[Fact]:
    """The distinct facts of a set of resources."""
    found: set[Fact] = set()
    for resource in resources:
        kind = resource["resourceType"]
        if kind not in _AROUND:
            found.add((kind, "", "exists"))
            found.update((kind, path, value) for path, value in _walk(resource, ""))
    return found


def _held(fact: Fact, output: set[Fact], dates: dict[tuple[str, str], list[str]]) -> bool:
    if fact in output:
        return True
    kind, path, value = fact
    if not (_DATE.fullmatch(value) or _MOMENT.match(value)):
        return False
    return any(have.startswith(value) or value.startswith(have) for have in dates.get((kind, path), ()))


@dataclass(slots=True)
class Tally:
    """Expected facts and found ones, in total, per resource type, and what is missing by path."""

    expected: int = 0
    found: int = 0
    per_type: dict[str, list[int]] = field(default_factory=dict)
    misses: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed: list[tuple[str, Fact]] = field(default_factory=list)

    def add(self, case: str, expected: set[Fact], output: set[Fact]) -> float:
        """Count one case. Gives its recall (1.0 when nothing was expected)."""
        dates: dict[tuple[str, str], list[str]] = {}
        for kind, path, value in output:
            dates.setdefault((kind, path), []).append(value)
        held = 0
        for fact in expected:
            sums = self.per_type.setdefault(fact[0], [0, 0])
            sums[1] += 1
            if _held(fact, output, dates):
                sums[0] += 1
                held += 1
            else:
                self.misses[fact[:2]] += 1
                self.missed.append((case, fact))
        self.expected += len(expected)
        self.found += held
        return held / len(expected) if expected else 1.0

    @property
    def recall(self) -> float:
        """Found of expected."""
        return self.found / self.expected if self.expected else 1.0
