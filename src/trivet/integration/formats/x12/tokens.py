"""X12 interchanges to segments with places: any separators, each element with its bytes.

In: bytes. Out: separators as the ISA segment says them, segments in order. Refused: bytes that do not begin an interchange.
Positions are positions of bytes: the text is read as Latin-1, one character a byte, and values are decoded one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Marks", "Segment", "decode", "leaves", "read_marks", "segments"]

BLANK = " \t\r\n"
FILLING = BLANK + "\x00\x1a"  # and what old systems fill or end a file with
AROUND = FILLING + "\xef\xbb\xbf"  # what may stand around an interchange without a word; a byte order mark as ISO 8859-1 reads it
# A segment identifier is two or three capitals and digits (X12.6 3.5.2); ISA is the only one with fixed lengths.
ISA_LENGTH = 106
_segment = tuple.__new__
NAME = re.compile(r"[A-Z][A-Z0-9]{1,2}\Z")


@dataclass(frozen=True, slots=True)
class Marks:
    """Separators of one interchange, each one character. `repetition` is empty before version 00402."""

    element: str
    component: str
    repetition: str
    terminator: str
    regular: bool = True

    def byte(self, name: str) -> bytes:
        """One of them as a byte."""
        text: str = getattr(self, name)
        return text.encode("latin-1")


LONGEST, NO_NAME = 3, "?"  # a segment's name is two or three characters (X12.6); what is longer may be anybody's name and is never repeated


class Segment(NamedTuple):
    """One segment: `values[0]` is its name, `start` and `end` its place (terminator not included), `number` counts from 0 in the text."""

    name: str
    start: int
    end: int
    number: int
    values: list[str]

    def value(self, element: int) -> str:
        """An element's text as it stands, empty when there is none."""
        return self.values[element] if element < len(self.values) else ""

    def place(self, element: int) -> int:
        """Where an element begins."""
        return self.start + sum(map(len, self.values[:element])) + element


def read_marks(raw: Any, at: int) -> Marks | None:
    """Separators of the interchange that begins at `at`. None when no ISA segment with sixteen elements stands there.

    The element separator is the byte behind `ISA`; the sixteenth element is the component separator, and the byte behind it
    ends the segment. Padding is not relied on: senders forget it, and `regular` says so.
    """
    head = bytes(raw[at : at + 256]).decode("latin-1")
    if not head.startswith("ISA") or len(head) < 20 or head[3].isalnum() or head[3] in BLANK:
        return None
    parts = head.split(head[3], 16)
    if len(parts) < 17 or len(parts[16]) < 2:
        return None
    component, terminator = parts[16][0], parts[16][1]
    if component.isalnum() or terminator.isalnum() or len({component, terminator, head[3]}) < 3:
        return None
    repetition = parts[11] if len(parts[11]) == 1 and not parts[11].isalnum() and parts[11] not in BLANK else ""
    regular = sum(map(len, parts[:16])) + 16 + 2 == ISA_LENGTH
    return Marks(head[3], component, repetition, terminator, regular)


def segments(text: str, marks: Marks, start: int, end: int, number: int = 0) -> Iterator[Segment]:
    """Segments of a stretch of Latin-1 text. Blanks in front of a name are skipped; an empty segment (only its terminator) is given
    with the name "": it stands for a segment that is kept elsewhere."""
    at, separator, terminator = start, marks.element, marks.terminator
    for piece in text[start:end].split(terminator):
        bare = piece.lstrip(BLANK)
        stop = at + len(piece)
        at = stop + 1
        if not bare and at > end:
            return
        values = bare.split(separator)
        name = values[0]
        yield _segment(Segment, (name if len(name) <= LONGEST else NO_NAME, stop - len(bare), stop, number, values))
        number += 1


def decode(text: str) -> str:
    """A value's text: UTF-8 where it is UTF-8, else Latin-1 (X12.6 names no other set)."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return text


def leaves(segment: Segment, marks: Marks) -> Iterator[tuple[int, int, int, int, str]]:
    """Every non-empty value of a segment: element, repetition, component (both from 0), its place and its text.

    The elements of ISA are never parted: they say what parts the others.
    """
    at = segment.start + len(segment.values[0]) + 1
    whole = segment.name == "ISA"
    for element, value in enumerate(segment.values[1:], 1):
        if value:
            if whole or (marks.component not in value and (not marks.repetition or marks.repetition not in value)):
                yield element, 0, 0, at, value
            else:
                yield from _parts(element, value, at, marks)
        at += len(value) + 1


def _parts(element: int, value: str, at: int, marks: Marks) -> Iterator[tuple[int, int, int, int, str]]:
    for repetition, part in enumerate(value.split(marks.repetition) if marks.repetition else [value]):
        for component, text in enumerate(part.split(marks.component)):
            if text:
                yield element, repetition, component, at, text
            at += len(text) + 1
