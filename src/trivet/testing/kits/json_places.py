"""Where the leaves of a JSON text stand, read character by character: an oracle that has nothing in common with a format's own scan."""

from __future__ import annotations

import json
from typing import Any

from trivet.kernel import jsontext

__all__ = ["leaves", "verbatim"]


def leaves(raw: bytes) -> set[tuple[int, int]]:
    """Offset and length of every leaf that is neither null nor an empty text; a text without its quotes. `raw` must be JSON."""
    text, found = raw.decode("latin-1"), set()

    def string(at: int) -> int:
        while text[at] != '"':
            at += 2 if text[at] == "\\" else 1
        return at

    def value(at: int) -> int:
        at = blank(at)
        if text[at] in "{[":
            closing = "}" if text[at] == "{" else "]"
            at = blank(at + 1)
            while text[at] != closing:
                if closing == "}":
                    at = blank(string(at + 1) + 1) + 1
                at = blank(value(at))
                at = blank(at + 1) if text[at] == "," else at
            return at + 1
        if text[at] == '"':
            end = string(at + 1)
            found.update({(at + 1, end - at - 1)} if end > at + 1 else set())
            return end + 1
        end = at
        while end < len(text) and text[end] not in ",]} \r\n\t":
            end += 1
        found.update({(at, end - at)} if text[at:end] != "null" else set())
        return end

    def blank(at: int) -> int:
        while at < len(text) and text[at] in " \t\r\n":
            at += 1
        return at

    value(3 if raw.startswith(b"\xef\xbb\xbf") else 0)
    return found


def verbatim(value: Any, text: str) -> bool:
    """Whether a text, as it stands in JSON, is this value: with its quotes put back, where the value is a text."""
    return bool(value == (json.loads(f'"{text}"') if isinstance(value, str) else jsontext.loads(text)))
