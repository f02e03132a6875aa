"""A segment at one glance: the texts of its leaves and its shape, which says where they stand. One regular expression, no objects.

Two segments of one shape have values at the same places (`PID-3[1].4.1` in both or in neither), so that what a place is called, and
what the tables do with it, is found once for the shape. Taken where the characters alone say what is read: standard delimiters, ASCII,
no escapes, no HL7 null, no blank leaf; any other segment has no scan and is read by `reader.Segment` leaf by leaf.
"""

from __future__ import annotations

import re
from itertools import accumulate

__all__ = ["Scan", "scan"]

_CUT = re.compile(r"([|^~&]+)")
_MARKS = "|^~\\&"
_SHIFTED = frozenset(("MSH", "FHS", "BHS"))


class Scan:
    """Leaves by index: 0 is the segment's name, the others are its non-empty leaves in order. `head` is `PID[1]`."""

    __slots__ = ("_parts", "_places", "_start", "head", "leaves", "shape")

    def __init__(self, head: str, start: int, parts: list[str], leaves: list[str], shape: str) -> None:
        self.head, self.leaves, self.shape = head, leaves, shape
        self._start, self._parts = start, parts
        self._places: list[int] | None = None

    @property
    def places(self) -> list[int]:
        """Byte offset of every leaf."""
        found = self._places
        if found is None:
            found = self._places = list(accumulate(map(len, self._parts), initial=self._start))[::2]
        return found


def _blank(leaves: list[str]) -> bool:
    return any(map(str.isspace, leaves))


def scan(text: str, start: int, name: str, number: int) -> Scan | None:
    """The scan of a segment's text, None when it must be read leaf by leaf."""
    if not text.isascii() or '""' in text or "\x1b" in text:
        return None
    if name in _SHIFTED:
        if text[3:8] != _MARKS or text[8:9] not in ("|", "") or "\\" in text[8:]:
            return None
        parts = [name, "", "|", "", "^~\\&", *_CUT.split(text[8:])[1:]]
    else:
        if "\\" in text or text[3:4] not in ("|", ""):
            return None
        parts = _CUT.split(text)
    leaves = parts[::2]
    if (" |" in text or " ^" in text or " ~" in text or " &" in text or text[-1] == " " or not text.isprintable()) and _blank(leaves):
        return None
    shape = name + " ".join(parts[1::2])
    if not leaves[-1]:
        leaves.pop()
        shape += "."
    return Scan(f"{name}[{number}]", start, parts, leaves, shape)
