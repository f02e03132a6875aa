"""A segment at one glance: the texts of its leaves and its shape, which says where they stand. No objects but the texts.

Two segments of one shape have values at the same places (`PID-3[1].4.1` in both or in neither), so that what a place is called, and
what the tables do with it, is found once for the shape. Taken where the characters alone say what is read: standard delimiters, ASCII,
no escapes, no HL7 null, no blank leaf; any other segment has no scan and is read by `reader.Segment` leaf by leaf.
"""

from __future__ import annotations

from itertools import accumulate

__all__ = ["Scan", "Sheet"]

_MARKS = b"|^~&"
_ONE = bytes.maketrans(b"^~&", b"|||")
_KINDS = bytes(code if code in _MARKS else 13 if code == 13 else 120 for code in range(256))
_ENDS = b"\r\n\x0b\x1c"  # what may stand between two segments
_TIDY = bytes((*_ENDS, *range(32, 127)))
_LOOSE = tuple(pair for end in _ENDS for pair in (b" " + bytes((end,)), bytes((end,)) + b" "))
_SHIFTED = frozenset(("MSH", "FHS", "BHS"))


class Scan:
    """Leaves by index, in order, with an empty text where nothing stands between two delimiters; 0 is the segment's name.

    `head` is `PID[1]`; `texts` are the leaves without blanks around them; `shape` the delimiters with one mark for each text between.
    """

    __slots__ = ("_places", "_start", "head", "leaves", "shape", "texts")

    def __init__(self, head: str, start: int, leaves: list[str], texts: list[str], shape: bytes) -> None:
        self.head, self.leaves, self.texts, self.shape, self._start = head, leaves, texts, shape, start
        self._places: list[int] | None = None

    @property
    def places(self) -> list[int]:
        """Byte offset of every leaf."""
        found = self._places
        if found is None:
            leaves, start = self.leaves, self._start
            if leaves[0] in _SHIFTED:  # MSH-1 is the delimiter itself, MSH-2 is not delimited
                found = [start, start + 3, start + 4, *accumulate([len(text) + 1 for text in leaves[3:-1]], initial=start + 9)]
            else:
                found = list(accumulate([len(text) + 1 for text in leaves[:-1]], initial=start))
            self._places = found
        return found

    def place(self, index: int) -> int:
        """Byte offset of one leaf."""
        if self._places is None and self.leaves[0] not in _SHIFTED:
            return self._start + sum(map(len, self.leaves[:index])) + index
        return self.places[index]


class Sheet:
    """A message on which all delimiters look alike, and its delimiters alone: segments are cut out of both."""

    __slots__ = ("_alike", "_quiet", "_raw", "_tidy", "calm", "leaves", "quick", "shapes")

    def __init__(self, raw: bytes, plain: bool) -> None:
        """`plain`: all bytes are ASCII, and none escapes another."""
        alike = raw.translate(_ONE)
        self._raw, self._alike = raw, alike.decode("latin-1")
        self._quiet = plain and b'""' not in raw
        self.calm = not raw.translate(None, _TIDY)  # no control characters
        self._tidy = self.calm and b"| " not in alike and b" |" not in alike and not _loose(alike)
        self.quick = self._quiet and self._tidy  # a line of it needs no more than to be split
        self.leaves: list[str] = []
        self.shapes: list[bytes] = []

    def cut(self, start: int) -> None:
        """Cut at every CR from `start` on, all at once: for messages whose segments are the lines between them."""
        self.leaves = self._alike[start:].split("\r")
        self.shapes = _shape(self._raw[start:].translate(_KINDS)).split(b"\r")

    def scan(self, text: str, start: int, name: str, number: int, continued: bool, line: int) -> Scan | None:
        """The scan of a segment's text, None when it must be read leaf by leaf. `line` counts what was `cut`; -1 is no line of it."""
        shifted = name in _SHIFTED
        begin = 8 if shifted else 0
        if not self._quiet and (not text.isascii() or '""' in text or "\x1b" in text or "\\" in text[begin:]):
            return None
        end = start + len(text)
        if line >= 0:
            alike, shape = self.leaves[line], self.shapes[line]
        else:
            alike, shape = self._alike[start:end], _shape(self._raw[start:end].translate(_KINDS).replace(b"\r", b"x"))
        if shifted:
            if text[3:8] != "|^~\\&" or text[8:9] not in ("|", ""):
                return None
            leaves = [name, "|", "^~\\&", *(alike[9:].split("|") if len(text) > 8 else ())]
            shape = b"M" + shape[6:]  # without what MSH-1 and MSH-2 always are
        else:
            if text[3:4] not in ("|", ""):
                return None
            leaves = alike.split("|")
        texts = leaves
        if continued or not self._tidy:
            texts = [leaf.strip() for leaf in leaves]
            if any(leaf and not stripped for leaf, stripped in zip(leaves, texts, strict=True)):
                return None
        return Scan(f"{name}[{number}]", start, leaves, texts, shape)


def _loose(alike: bytes) -> bool:
    """Whether a blank stands at an end of a segment."""
    if b" \r" in alike or b"\r " in alike or alike[-1:] == b" ":
        return True
    return (b"\n" in alike or b"\x0b" in alike or b"\x1c" in alike) and any(pair in alike for pair in _LOOSE)


def _shape(kinds: bytes) -> bytes:
    """One mark for each text; what is left of a very long text makes shapes differ, no more."""
    return kinds.replace(b"xxxxxxxx", b"x").replace(b"xxxx", b"x").replace(b"xx", b"x").replace(b"xx", b"x")
