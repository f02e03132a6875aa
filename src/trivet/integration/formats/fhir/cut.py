"""Deliveries to units: one per NDJSON line, one per resource, one per Bundle, or one per entry where a Bundle is large or holds
several patients. No byte is lost and nothing is refused here: what cannot be cut stays whole.

A unit of one entry is itself a Bundle: the delivery's head, the entry, short entries that only name what it refers to by URN,
and the tail; the comma behind the entry in the delivery stands at the very end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trivet.contracts.envelope import Piece, Unit

__all__ = ["Cut", "cut", "entries"]

LARGE = 1 << 20
BLANK = b" \t\r\n"
MARK = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]', re.S)
PATIENT = re.compile(rb'"resourceType"\s*:\s*"Patient"')
WHOLE = re.compile(rb'"type"\s*:\s*"(?:document|message)"')
URN = re.compile(rb'"(urn:[^"\\]+)"')
NAME = re.compile(rb'"(fullUrl|resource|resourceType|id)"\s*:\s*(?:"([^"\\]*)")?')


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a Bundle's entries stand: `spans` are (start, end) of each entry's object."""

    spans: tuple[tuple[int, int], ...]


def entries(raw: Any, start: int = 0) -> Cut | None:
    """The entries of the Bundle in `raw` (bytes, or a file mapped into memory). None when its brackets do not say."""
    depth, key, begun, inside = 0, b"", -1, False
    spans = []
    for found in MARK.finditer(raw, start):
        mark = found[0]
        if mark[0] == 34:  # a text
            if depth == 1:
                key = mark
        elif mark in b"{[":
            depth += 1
            if depth == 2 and mark == b"[" and key == b'"entry"':
                inside = True
            elif depth == 3 and inside and mark == b"{":
                begun = found.start()
        else:
            depth -= 1
            if depth == 2 and inside and mark == b"}" and begun >= 0:
                spans.append((begun, found.end()))
                begun = -1
            elif depth == 1 and inside and mark == b"]":
                return Cut(tuple(spans)) if spans else None
    return None


def _lines(raw: Any) -> Iterator[tuple[int, int]]:
    """Non-blank lines with the blank ones behind them; what is blank at the very beginning goes with the first."""
    start, size = 0, len(raw)
    while start < size:
        end = start
        seen = False
        while end < size:
            stop = raw.find(b"\n", end)
            stop = size if stop < 0 else stop + 1
            blank = not raw[end:stop].strip(BLANK + b"\xef\xbb\xbf")
            if seen and not blank:
                break
            seen = seen or not blank
            end = stop
        yield start, end
        start = end


def _is_ndjson(raw: Any) -> bool:
    """Whether the first lines are objects of their own: two of the first three begin and end with a brace, or one complete
    object is followed by something else."""
    objects = total = 0
    for start, end in _lines(raw[: 8 * LARGE]):
        line = raw[start:end].strip(BLANK + b"\xef\xbb\xbf")
        objects += line[:1] == b"{" and line[-1:] == b"}"
        total += 1
        if total == 3:
            break
    return total > 1 and objects >= 2


def cut(raw: Any) -> Iterator[Unit]:
    """Units that together cover every byte."""
    if _is_ndjson(raw):
        for start, end in _lines(raw):
            yield Unit(raw[start:end], (Piece(start, end - start),))
        return
    apart = _apart(raw)
    if apart is None:
        if len(raw):
            yield Unit(raw[:], (Piece(0, len(raw)),))
        return
    yield from _per_entry(raw, apart)


def _apart(raw: Any) -> Cut | None:
    """The entries, if the Bundle is to be cut: over 1 MB or several patients, and neither a document nor a message."""
    patients = PATIENT.finditer(raw)
    several = next(patients, None) is not None and next(patients, None) is not None
    if len(raw) <= LARGE and not several:
        return None
    found = entries(raw)
    if found is None or len(found.spans) < 2 or WHOLE.search(raw[: found.spans[0][0]]) or WHOLE.search(raw[found.spans[-1][1] :]):
        return None
    return found


def _names(raw: Any, start: int, end: int) -> dict[bytes, re.Match[bytes]]:
    """Where an entry says its fullUrl and its resource's type and id, at their own levels and nowhere deeper."""
    names: dict[bytes, re.Match[bytes]] = {}
    depth, inside = 0, False
    for found in MARK.finditer(raw, start, end):
        mark = found[0]
        if mark in b"{[":
            depth += 1
        elif mark in b"}]":
            depth -= 1
            inside = inside and depth > 1
        elif depth == 1 or (depth == 2 and inside):
            name = NAME.match(raw, found.start(), end)
            if name and (depth == 1) == (name[1] in (b"fullUrl", b"resource")):
                names.setdefault(name[1], name)
                inside = inside or name[1] == b"resource"
                if len(names) == 4:
                    break
    return names


def _stub(raw: Any, span: tuple[int, int], comma: Piece) -> tuple[bytes, list[Piece]]:
    """The fullUrl of an entry, and the pieces of an entry that says only this name: fullUrl, resourceType, id."""
    names = _names(raw, *span)
    if b"fullUrl" not in names or b"resourceType" not in names:
        return b"", []
    pieces = [Piece(span[0], 1)]
    for number, key in enumerate(key for key in (b"fullUrl", b"resourceType", b"id") if key in names):
        pieces += [comma] if number else []
        pieces.append(Piece(names[key].start(), names[key].end() - names[key].start()))
    return names[b"fullUrl"][2] or b"", [*pieces, Piece(span[1] - 1, 1)]


def _per_entry(raw: Any, apart: Cut) -> Iterator[Unit]:
    spans = apart.spans
    first, last = spans[0][0], spans[-1][1]
    comma = Piece(raw.find(b",", spans[0][1]), 1)
    named = [_stub(raw, span, comma) for span in spans]
    stubs = {name: pieces for name, pieces in named if name.startswith(b"urn:")}
    for number, (start, end) in enumerate(spans):
        own = raw[start:end]
        pieces = [Piece(0, first), Piece(start, end - start)]
        for name in dict.fromkeys(URN.findall(own)):
            if name in stubs and name != named[number][0]:
                pieces += [comma, *stubs[name]]
        pieces.append(Piece(last, len(raw) - last))
        if number + 1 < len(spans):
            pieces.append(Piece(end, spans[number + 1][0] - end))
        yield Unit(b"".join(raw[piece.offset : piece.offset + piece.length] for piece in pieces), tuple(pieces), first)
