"""The bytes of some values of a JSON text that the exact parser has read: found by counting tokens, without reading again.

In: the text, its value, paths. Out: where each stands. Names, texts, numbers and words are tokens; the value says how many of them lie
before a path, a regular expression where they stand. Only for texts without a fault and without a name that stands twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from trivet.integration.validation.reader import Where

__all__ = ["locate"]

AROUND = b" \t\r\n\xef\xbb\xbf"
TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[-\d][\d.eE+-]*|true|false|null|[\[\]{}]', re.S)


def size(value: Any) -> int:
    """How many tokens a value has, brackets among them."""
    if value.__class__ is dict:
        count = 2 + len(value)
        for inner in value.values():
            count += size(inner) if inner.__class__ is dict or inner.__class__ is list else 1
        return count
    if value.__class__ is list:
        count = 2
        for inner in value:
            count += size(inner) if inner.__class__ is dict or inner.__class__ is list else 1
        return count
    return 1


def token(value: Any, path: tuple[str | int, ...]) -> tuple[int, int, Any]:
    """Number of a value's first token and of its name's (-1 without one), and the value. KeyError where the path leads nowhere."""
    at, name = 0, -1
    for step in path:
        at, name = at + 1, -1
        if isinstance(step, int) and isinstance(value, list) and 0 <= step < len(value):
            at += sum(size(inner) for inner in value[:step])
            value = value[step]
        elif isinstance(step, str) and isinstance(value, dict) and step in value:
            for key, inner in value.items():
                at += 1
                if key == step:
                    name, value = at - 1, inner
                    break
                at += size(inner)
        else:
            raise KeyError(step)
    return at, name, value


def locate(raw: bytes, value: Any, paths: Collection[tuple[str | int, ...]]) -> dict[tuple[str | int, ...], Where]:
    """Where the paths that lead somewhere stand."""
    made: dict[tuple[str | int, ...], Where] = {}
    inside = [path for path in paths if path]
    if len(inside) < len(set(paths)):
        made[()] = Where(len(raw) - len(raw.lstrip(AROUND)), len(raw.rstrip(AROUND)))
    spans = [found.span() for found in TOKEN.finditer(raw)] if inside else []
    for path in inside:
        try:
            first, name, held = token(value, path)
        except KeyError:
            continue
        last = first + size(held) - 1
        if last < len(spans):
            made[path] = Where(spans[first][0], spans[last][1], spans[name][0] if name >= 0 else -1)
    return made
