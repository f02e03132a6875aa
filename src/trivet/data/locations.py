"""Places in a resource: where a path leads, what stands there, the resource with something else there.

In: a FHIR resource as plain data. Out: locations (`("component", 1, "code")`), values, or a new resource that shares what is not on the
way; nothing is changed in place. Refused: nothing; a path that leads nowhere gives nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

__all__ = ["LOINC", "Location", "at", "codings_of", "dotted", "loinc_of", "replaced", "walk"]

Location = tuple[str | int, ...]
LOINC = "http://loinc.org"


def codings_of(concept: Any) -> list[tuple[int, str, str]]:
    """Position, system and code of each coding of a concept that has a code."""
    held = concept.get("coding") if isinstance(concept, dict) else None
    found: list[tuple[int, str, str]] = []
    if not isinstance(held, list):
        return found
    for number, coding in enumerate(held):
        if isinstance(coding, dict):
            code, system = coding.get("code"), coding.get("system")
            if isinstance(code, str):
                found.append((number, system if isinstance(system, str) else "", code))
    return found


def loinc_of(concept: Any) -> str:
    """The first LOINC code of a concept; empty when it has none."""
    held = concept.get("coding") if isinstance(concept, dict) else None
    for coding in held if isinstance(held, list) else ():
        if isinstance(coding, dict) and coding.get("system") == LOINC:
            code = coding.get("code")
            if isinstance(code, str):
                return code
    return ""


def walk(resource: Any, path: tuple[str, ...]) -> Iterable[tuple[Location, Any]]:
    """Every place that a path with `*` for list positions reaches, with what stands there."""
    first = path[0]
    if not isinstance(resource, dict) or first not in resource:
        return ()
    if len(path) == 1:
        return ((path, resource[first]),)
    if len(path) == 3 and path[1] == "*":
        held, last = resource[first], path[2]
        if not isinstance(held, list):
            return ()
        return [((first, number, last), item[last]) for number, item in enumerate(held) if isinstance(item, dict) and last in item]
    return _walk(resource[first], path[1:], (first,))


def _walk(resource: Any, path: tuple[str, ...], location: Location) -> Iterator[tuple[Location, Any]]:
    if not path:
        yield location, resource
        return
    step, rest = path[0], path[1:]
    if step == "*":
        if isinstance(resource, list):
            for number, item in enumerate(resource):
                yield from _walk(item, rest, (*location, number))
    elif isinstance(resource, dict) and step in resource:
        yield from _walk(resource[step], rest, (*location, step))


def at(resource: Any, location: Location) -> Any:
    """What stands at a place."""
    for step in location:
        resource = resource[step]
    return resource


def replaced(resource: Any, location: Location, value: Any) -> Any:
    """The resource with another value at a place; what lies beside it is shared, nothing is changed in place."""
    if not location:
        return value
    step, rest = location[0], location[1:]
    fresh: Any = dict(resource) if isinstance(resource, dict) else list(resource)
    fresh[step] = replaced(resource[step], rest, value)
    return fresh


def dotted(location: Location) -> str:
    """`component[1].code` of ("component", 1, "code")."""
    out = ""
    for step in location:
        out += f"[{step}]" if isinstance(step, int) else f".{step}" if out else step
    return out
