"""Delimited text (RFC 4180, and what people really send) with the bytes behind every cell.

In: bytes, or a file mapped into memory. Out: rows as byte ranges; cells with the range of their content. A quote opens only where a cell
begins; quoted cells may hold delimiters and line ends; a byte order mark, CR, LF and CRLF, and blank lines are taken as they come. A
quote that never closes ends with its line, so that it costs one row. Nothing raises: what cannot be read is said by the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

__all__ = ["BOM", "Cell", "cells", "delimiter", "rows", "utf8_or_none"]

BOM = b"\xef\xbb\xbf"
DELIMITERS = b",;\t|"
LINE = re.compile(rb"[^\r\n]*+(?:\r\n|\r|\n|\Z)")


class Cell(NamedTuple):
    """The content of one cell, quotes undone, and where its bytes stand in the text that was read."""

    text: str
    offset: int
    length: int


@cache
def _row(sign: bytes) -> re.Pattern[bytes]:
    """One row with its line end. Every part is possessive: no text makes it slow. It fails where a quote never closes, or closes in
    the middle of a cell: then the next line's quote was taken for its own."""
    closing = b'"[ ]*+(?=[' + re.escape(sign) + b"\r\n]|\\Z)"
    plain = b'(?!")[^' + re.escape(sign) + b"\r\n]*+"
    cell = b'(?:"[^"]*+(?:""[^"]*+)*+' + closing + b"|" + plain + b")"
    return re.compile(cell + b"(?:" + re.escape(sign) + cell + b")*+(?:\r\n|\r|\n|\\Z)")


def rows(raw: Any, sign: bytes, start: int = 0) -> Iterator[tuple[int, int]]:
    """Start and end of every row, its line end included. Together they cover every byte from `start`."""
    pattern, size = _row(sign), len(raw)
    if start == 0 and raw[:3] == BOM:
        # The mark belongs to the first row, and a quote may open right behind it.
        first = pattern.match(raw, 3) or LINE.match(raw, 3)
        start = first.end() if first is not None else size
        yield 0, start
    while start < size:
        found = pattern.match(raw, start) or LINE.match(raw, start)
        end = found.end() if found is not None and found.end() > start else size
        yield start, end
        start = end


def delimiter(head: bytes) -> bytes:
    """What separates the cells of a header line: the candidate that occurs most outside quotes; a comma when none does."""
    bare = re.sub(rb'"[^"]*+(?:""[^"]*+)*+"', b"", head)
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
    """The cells of one row, or the offset of the first cell that is not UTF-8 or of a quote that never closes."""
    place = start + (3 if start == 0 and raw.startswith(BOM) else 0)
    stop = end
    while stop > place and raw[stop - 1] in b"\r\n":
        stop -= 1
    line = raw[place:stop]
    if b'"' not in line:
        text = utf8_or_none(line)
        if text is None:
            return _unreadable(line, place, sign)
        return _plain(text, place, sign.decode())
    return _quoted(raw, place, stop, sign)


def _unreadable(line: bytes, place: int, sign: bytes) -> int:
    """Where the first cell stands that is not UTF-8."""
    for part in line.split(sign):
        if utf8_or_none(part) is None:
            return place
        place += len(part) + 1
    return place


def _plain(text: str, place: int, sign: str) -> list[Cell]:
    """Cells of a line without quotes."""
    out = []
    wide = not text.isascii()
    for part in text.split(sign):
        bare = part.strip(" ")
        length = len(bare.encode()) if wide else len(bare)
        out.append(Cell(bare, place + len(part) - len(part.lstrip(" ")) if bare else place, length))
        place += (len(part.encode()) if wide else len(part)) + 1
    return out


def _quoted(raw: bytes, place: int, stop: int, sign: bytes) -> list[Cell] | int:
    """Cells of a line with quotes."""
    out: list[Cell] = []
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
            following = raw.find(sign, close + 1, stop)
            behind = raw[close + 1 : following if following >= 0 else stop]
            first, last, bare = place + 1, close, not behind.strip(b" ")
            if not bare:
                # Text behind the closing quote: the cell as it stands, quotes and all.
                first, last = place, following if following >= 0 else stop
            text = utf8_or_none(raw[first:last])
            text = text.replace('""', '"') if text is not None and bare else text
        else:
            following = raw.find(sign, place, stop)
            first, last = place, stop if following < 0 else following
            text = utf8_or_none(raw[first:last])
            if text is not None:
                lead = len(text) - len(text.lstrip(" "))
                first, text = (first + lead, text.strip(" ")) if text.strip(" ") else (first, "")
                last = first + len(text.encode())
        if text is None:
            return place
        out.append(Cell(text, first, last - first))
        if following < 0:
            return out
        place = following + 1
