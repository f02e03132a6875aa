"""Paths into a FHIR resource as tables write them: `a.b|c[x].d`. In, a resource; out, the values there, lists flattened.

`|` parts alternatives, the first that finds something counts. `[x]` keeps the elements whose `url`, `system`, `use` or type code is `x`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

__all__ = ["every", "first", "parsed"]

STEP = re.compile(r"([A-Za-z0-9_]+)(?:\[([^\]]*)\])?(?:\.|$)")
BAR = re.compile(r"\|(?![^\[]*\])")


@cache
def parsed(path: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """The alternatives of a path, each as its steps. ValueError for what is no path."""
    made = []
    for part in BAR.split(path):
        steps = STEP.findall(part)
        if ".".join(f"{name}[{kept}]" if kept else name for name, kept in steps) != part:
            raise ValueError(f"no path: {path}")
        made.append(tuple(steps))
    return tuple(made)


def every(resource: Any, path: str) -> list[Any]:
    """All values of the first alternative that has one."""
    for steps in parsed(path):
        found = [value for value in _walk(resource, steps, 0) if value not in (None, "", [], {})]
        if found:
            return found
    return []


def across(resource: Any, path: str) -> list[Any]:
    """The values of all alternatives, in their order."""
    return [value for steps in parsed(path) for value in _walk(resource, steps, 0) if value not in (None, "", [], {})]


def first(resource: Any, path: str) -> Any:
    """The first value, or None."""
    found = every(resource, path)
    return found[0] if found else None


def _walk(value: Any, steps: tuple[tuple[str, str], ...], place: int) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _walk(one, steps, place)
        return
    if place == len(steps):
        yield value
        return
    name, kept = steps[place]
    if not isinstance(value, dict) or name not in value:
        return
    inner = value[name]
    if kept:
        inner = [one for one in (inner if isinstance(inner, list) else [inner]) if _named(one, kept)]
    yield from _walk(inner, steps, place + 1)


def _named(value: Any, kept: str) -> bool:
    if not isinstance(value, dict):
        return False
    if kept in (value.get("url"), value.get("system"), value.get("use")):
        return True
    kind = value.get("type")
    return isinstance(kind, dict) and any(one.get("code") == kept for one in kind.get("coding", []))
