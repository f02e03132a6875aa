"""Where an element stands in its feed: which part (segment, resource, entry, row), which field, whether the field holds codes.

In: locators. Out: `Place`. The rules are tables (`maps/register`): one row for each kind of container a format knows, one for each field
whose values may be kept. A format without rows has one part, the unit itself, and no coded field.
"""

from __future__ import annotations

import csv
import re
from fnmatch import fnmatchcase
from functools import cache
from typing import NamedTuple

from trivet.kernel import resources

__all__ = ["Grammar", "Place", "grammar", "heads", "rows"]

INDEX = re.compile(r"\[\d+\]|/\d+(?=/|$)")
STRANGE = "not understood"
MOST = 200_000  # places that are remembered at a time


class Place(NamedTuple):
    """`container` is the one of this unit (indices kept), `part` and `field` those of the feed (indices gone). `coded`: 0 values are
    never kept, 1 codes are, 2 they also say the type of the unit, 3 they say what the container is called."""

    container: str
    part: str
    field: str
    coded: int


class Rule(NamedTuple):
    """One row of `parts.csv`."""

    container: re.Pattern[str]
    name: str
    named_by: str


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """A shipped table of the register."""
    return tuple(csv.DictReader(resources.text("trivet.maps", "register", name).splitlines()))


@cache
def heads(format: str) -> tuple[tuple[str, str], ...]:
    """(role, field) of what a format says about itself: type, version, character set, sender, receiver."""
    return tuple((row["role"], row["field"]) for row in rows("heads.csv") if row["format"] == format)


class Grammar(dict[str, Place]):
    """Places of one format by locator, remembered. A place whose container is named by a value still has `?` in its names."""

    def __init__(self, format: str) -> None:
        super().__init__()
        self.format = format
        chosen = [row for row in rows("parts.csv") if row["format"] == format] or [row for row in rows("parts.csv") if row["format"] == "*"]
        self.rules = [Rule(re.compile(row["container"]), row["name"], row["named_by"]) for row in chosen]
        self.types = {field: order for order, (role, field) in enumerate(heads(format)) if role == "type"}
        self.named = any(rule.named_by for rule in self.rules)
        self.resolved: dict[tuple[Place, str], Place] = {}
        self._coded: dict[str, int] = {}

    def __missing__(self, locator: str) -> Place:
        if len(self) > MOST:
            self.clear()
            self.resolved.clear()
        self[locator] = made = self._place(locator)
        return made

    def _place(self, locator: str) -> Place:
        try:
            locator.encode("utf-8")
        except UnicodeEncodeError:
            return Place("", "unit", STRANGE, 0)  # half a character: no table could hold the name
        for rule in self.rules:
            found = rule.container.match(locator)
            if found is None:
                continue
            whole = found[0]
            tail = INDEX.sub("", locator[len(whole) :])
            if rule.named_by:
                part = rule.name + INDEX.sub("", whole[len(found[1]) :])
                coded = 3 if locator == found[1] + rule.named_by else 0
                return Place(f"{found[1]}\n{whole}", part, part + tail, coded)
            part = rule.name or INDEX.sub("", whole)
            field = part + tail if tail[:1] in ("-", "/") or not tail else f"{part}/{tail.removeprefix('c=')}"
            return Place(whole, part, field, self.coded(field))
        return Place("", "unit", STRANGE, 0)  # its name may be anything, so it is not repeated

    def resolve(self, place: Place, name: str) -> Place:
        """A place in a container that a value names."""
        key = (place, name)
        found = self.resolved.get(key)
        if found is None:
            if len(self.resolved) > MOST:
                self.resolved.clear()
            part, field = place.part.replace("?", name, 1), place.field.replace("?", name, 1)
            coded = self.coded(field)
            if place.coded == 3 and place.container.startswith("\n"):
                coded = 2 if "/resourceType" in self.types else coded
            found = self.resolved[key] = Place(place.container, part, field, coded)
        return found

    def coded(self, field: str) -> int:
        """May values of this field be kept?"""
        if field not in self._coded:
            if len(self._coded) > MOST:
                self._coded.clear()
            self._coded[field] = 2 if field in self.types else int(self._listed(field))
        return self._coded[field]

    def _listed(self, field: str) -> bool:
        exact, patterns, never = listed(self.format)
        plain = field.lower() if self.format == "csv" else field
        if any(fnmatchcase(plain, pattern) for pattern in never):
            return False
        short = field.rpartition("/")[2]
        return field in exact or (self.format == "x12" and short in exact) or any(fnmatchcase(plain, pattern) for pattern in patterns)


@cache
def listed(format: str) -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]:
    """Coded fields of a format: exact names, patterns, and patterns of fields that are never kept whatever else says so."""
    exact, patterns, never = set[str](), [], []
    for row in rows("coded.csv"):
        if row["format"] != format:
            continue
        field = row["field"].lower() if format == "csv" else row["field"]
        if row["parts"] == "never":
            never.append(field)
        elif row["parts"]:
            exact |= {field if part == "0" else f"{field}.{part}" for part in row["parts"].split()}
        elif "*" in field or "?" in field:
            patterns.append(field)
        else:
            exact.add(field)
    if format == "x12":
        exact |= identifiers()
    return frozenset(exact), tuple(patterns), tuple(never)


def identifiers() -> set[str]:
    """X12 elements whose data type is ID, a coded value (X12.6); a postal code is one by type and none by nature."""
    found = set()
    table = csv.DictReader(resources.text("trivet.maps", "x12", "elements.csv").splitlines())
    for row in table:
        for number, element in enumerate(row["elements"].split(), 1):
            name, _, rest = element.partition("/")
            if rest.startswith("ID") and name != "116":
                found.add(f"{row['segment']}-{number:02d}")
    return found


_grammars: dict[str, Grammar] = {}


def grammar(format: str) -> Grammar:
    """The grammar of a format, one for each process."""
    if format not in _grammars:
        _grammars[format] = Grammar(format)
    return _grammars[format]


NAME = re.compile(r"[A-Z][A-Za-z]{1,39}|\d{1,7}-\d")  # a value that may name a container: a resource type, a LOINC code
