"""Delimited text (RFC 4180, and what people really send) with the bytes behind every cell.

In: bytes. Out: lines of a table as byte ranges; cells with the range of their content. Quotes may hold delimiters and line ends;
a byte order mark, CR, LF and CRLF, and blank lines are taken as they come. Nothing raises: what cannot be read is said by the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Cell", "cells", "delimiter", "lines", "utf8_or_none"]

BOM = b"\xef\xbb\xbf"
DELIMITERS = b",;\t|"
LINE = re.compile(rb'(?:[^"\r\n]|"(?:[^"]|"")*(?:"|\Z))*(?:\r\n|\r|\n|\Z)')


class Cell(NamedTuple):
    """The content of one cell, quotes undone, and where its bytes stand in the text that was read."""

    text: str
    offset: int
    length: int


def lines(raw: bytes, start: int = 0) -> Iterator[tuple[int, int]]:
    """Start and end of every line, its line end included. Together they cover every byte from `start`."""
    while start < len(raw):
        match = LINE.match(raw, start)
        end = match.end() if match and match.end() > start else len(raw)
        yield start, end
        start = end


def delimiter(head: bytes) -> bytes:
    """What separates the cells of a header line: the candidate that occurs most outside quotes; a comma when none does."""
    bare = re.sub(rb'"(?:[^"]|"")*"', b"", head)
    counts = [(bare.count(bytes([sign])), -place) for place, sign in enumerate(DELIMITERS)]
    most, place = max(counts)
    return DELIMITERS[-place : -place + 1] if most else b","


def utf8_or_none(data: bytes) -> str | None:
    """The text of UTF-8 bytes; None when they are not."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def cells(raw: bytes, start: int, end: int, sign: bytes) -> list[Cell] | int:
    """The cells of one line, or the offset of the first byte that is not UTF-8 or of a quote that never closes."""
    out: list[Cell] = []
    place = start + (3 if start == 0 and raw.startswith(BOM) else 0)
    stop = end
    while stop > place and raw[stop - 1 : stop] in (b"\r", b"\n"):
        stop -= 1
    while True:
        if raw[place : place + 1] == b'"':
            close = place + 1
            while True:
                close = raw.find(b'"', close, stop)
                if close < 0:
                    return place
                if raw[close + 1 : close + 2] != b'"':
                    break
                close += 2
            first, last = place + 1, close
            following = raw.find(sign, close + 1, stop)
            quoted = True
        else:
            first, quoted = place, False
            following = raw.find(sign, place, stop)
            last = stop if following < 0 else following
        text = utf8_or_none(raw[first:last])
        if text is None:
            return first
        if quoted:
            text = text.replace('""', '"')
        else:
            lead = len(text) - len(text.lstrip(" "))
            first, text = first + lead, text.strip(" ")
            last = first + len(text.encode())
        out.append(Cell(text, first, last - first))
        if following < 0:
            return out
        place = following + 1
