"""Value sets by what they say: include, exclude, lists, filters, other value sets. In, a compose; out, its codes, or one code's membership.

Filters: is-a, descendent-of, =, regex, in, not-in, exists. Source: FHIR R4 ValueSet.compose and filter-operator. Another operator is
refused by name: a filter passed over would make a larger set than was meant. A set with more than `MOST` codes is not listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from trivet.contracts.terminology import Concept
from trivet.data.measures import UCUM
from trivet.data.terminology import canonical_system
from trivet.data.vocabulary.library import Held
from trivet.kernel.errors import NotFound, Usage

__all__ = ["Compose", "member", "selected"]

Terms = Any  # `embedded.Embedded`, which asks this module

MOST = 250_000
OPERATORS = ("is-a", "descendent-of", "=", "regex", "in", "not-in", "exists")
DEPTH = 20  # value sets inside of value sets


class Compose(NamedTuple):
    """A value set that can be worked with."""

    url: str
    version: str
    resource: dict[str, Any]

    def parts(self, name: str) -> list[dict[str, Any]]:
        """`include` or `exclude`."""
        found: list[dict[str, Any]] = self.resource.get("compose", {}).get(name, [])
        return found

    def active_only(self) -> bool:
        """Does the author leave inactive codes out?"""
        return self.resource.get("compose", {}).get("inactive") is False


def edition_of(terms: Terms, include: dict[str, Any]) -> Held:
    """The edition that an include speaks of. NotFound when it is not here: a set with a missing part is not given as if it were whole."""
    system, version = canonical_system(include["system"])[0], include.get("version", "")
    held: Held | None = terms.edition(system, version)
    if held is None:
        raise NotFound(
            "E371", "this code system is not loaded", where=system, why=terms.why(system, version), help="trivet terminology list"
        )
    return held


def selected(terms: Terms, compose: Compose, depth: int = 0) -> list[Concept]:
    """Every code of a value set, once, by system and code."""
    if depth > DEPTH:
        raise Usage("E376", "value sets contain one another", where=compose.url)
    found: dict[tuple[str, str], Concept] = {}
    for include in compose.parts("include"):
        for one in listed(terms, include, depth):
            found.setdefault((one.system, one.code), one)
            if len(found) > MOST:
                raise Usage(
                    "E377", "this value set is too large to be listed", where=compose.url, why=f"more than {MOST} codes", help="--filter"
                )
    for exclude in compose.parts("exclude"):
        for key in [key for key, one in found.items() if holds(terms, exclude, one, depth)]:
            del found[key]
    return [one for _, one in sorted(found.items()) if one.active or not compose.active_only()]


def member(terms: Terms, url: str, concept: Concept, depth: int = 0) -> bool:
    """Is a code in a value set? Asked of the rules, without listing the set."""
    compose = terms.compose(url)
    if depth > DEPTH:
        raise Usage("E376", "value sets contain one another", where=url)
    if compose.active_only() and not concept.active:
        return False
    inside = any(holds(terms, include, concept, depth) for include in compose.parts("include"))
    return inside and not any(holds(terms, exclude, concept, depth) for exclude in compose.parts("exclude"))


def holds(terms: Terms, include: dict[str, Any], concept: Concept, depth: int) -> bool:
    """Does one include (or exclude) speak of a code?"""
    if not all(member(terms, url, concept, depth + 1) for url in include.get("valueSet", ())):
        return False
    if "system" not in include:
        return bool(include.get("valueSet"))
    if canonical_system(include["system"])[0] != concept.system:
        return False
    if "concept" in include:
        return any(one["code"] == concept.code for one in include["concept"])
    if concept.system == UCUM:
        return not include.get("filter")
    held = edition_of(terms, include)
    return all(passes(terms, held, one, concept) for one in include.get("filter", ()))


def listed(terms: Terms, include: dict[str, Any], depth: int) -> Iterator[Concept]:
    """The codes of one include."""
    sets = [selected(terms, terms.compose(url), depth + 1) for url in include.get("valueSet", ())]
    if "system" not in include:
        rest = [{(one.system, one.code) for one in codes} for codes in sets[1:]]
        yield from (one for one in (sets[0] if sets else ()) if all((one.system, one.code) in keys for keys in rest))
        return
    for one in of_system(terms, include):
        if all(any((one.system, one.code) == (two.system, two.code) for two in codes) for codes in sets):
            yield one


def of_system(terms: Terms, include: dict[str, Any]) -> Iterator[Concept]:
    """The codes of one system that an include names or filters."""
    if canonical_system(include["system"])[0] == UCUM:
        if "concept" not in include:
            raise Usage("E377", "this value set is too large to be listed", where=UCUM, why="UCUM is a grammar")
        yield from (terms.unit(one["code"]) for one in include["concept"])
        return
    held = edition_of(terms, include)
    if "concept" in include:
        for one in include["concept"]:
            row = terms.row(held, one["code"])
            if row is None:
                raise NotFound("E372", "this code system has no such code", where=held.system, why=f"version {held.version}")
            yield terms.concept(held, row)
        return
    filters = include.get("filter", [])
    for code in candidates(terms, held, filters):
        row = terms.row(held, code)
        concept = terms.concept(held, row) if row is not None else None
        if concept is not None and all(passes(terms, held, one, concept) for one in filters):
            yield concept


def candidates(terms: Terms, held: Held, filters: list[dict[str, Any]]) -> Iterable[str]:
    """The fewest codes among which all that pass can be found."""
    for one in filters:
        if one["op"] in ("is-a", "descendent-of"):
            return [code for (code,) in terms.library.rows("descendants", held.id, one["value"])]
    for one in filters:
        if one["op"] == "=" and one["property"] not in ("parent", "child", "code", "display"):
            return [code for (code,) in terms.library.rows("property_codes", held.id, one["property"], one["value"])]
    return [row[0] for row in terms.library.rows("concept_all", held.id)]


def passes(terms: Terms, held: Held, rule: dict[str, Any], concept: Concept) -> bool:
    """Does a code pass one filter?"""
    name, operator, value = str(rule["property"]), str(rule["op"]), str(rule["value"])
    if operator not in OPERATORS:
        raise Usage("E378", f"the filter {operator} is not understood", why="known: " + ", ".join(OPERATORS))
    if operator == "is-a":
        return bool(terms.below(held.id, concept.code, value))
    if operator == "descendent-of":
        return concept.code != value and bool(terms.below(held.id, concept.code, value))
    values = valued(terms, held, name, concept)
    if operator == "=":
        return value in values
    if operator == "regex":
        return any(re.fullmatch(value, one) for one in values)
    if operator == "exists":
        return bool(values) == (value == "true")
    return any(one in value.split(",") for one in values) == (operator == "in")


def valued(terms: Terms, held: Held, name: str, concept: Concept) -> list[str]:
    """The values of a property; `code`, `display`, `parent`, `child`, `inactive` and `concept` are always there."""
    if name in ("code", "concept"):
        return [concept.code]
    if name == "display":
        return [concept.display]
    if name == "inactive":
        return ["false" if concept.active else "true"]
    if name in ("parent", "child"):
        return [code for (code,) in terms.library.rows("parents_of" if name == "parent" else "children_of", held.id, concept.code)]
    return [value for key, value in terms.library.rows("properties_of", held.id, concept.code) if key == name]
