"""Cuts a delivery into messages without losing a byte: plain files, MLLP frames, FHS/BHS batches, garbage in between.

Every unit is one message, one batch header or trailer, or one stretch of garbage. Blank lines, frame bytes and a byte
order mark go with the message they stand at, so the pieces of all units cover the delivery exactly. A batch's trailer has the names of
what it closes in front of it, its header the trailer's name behind it (see `batch`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trivet.contracts.envelope import Piece, Unit
from trivet.integration.formats.hl7v2.batch import Envelope, closed

__all__ = ["own", "split"]

_START = re.compile(rb"(?:(?<=[\r\n\x0b\x1c])|\A|\A\xef\xbb\xbf)(MSH|FHS|BHS|BTS|FTS)(?=[^A-Za-z0-9\r\n\x00-\x20]|[\r\n]|\Z)")
_BREAK = re.compile(rb"\x1c[\r\n]*|(?:\r\n|\r|\n)[ \t]*(?:\r\n|\r|\n)\s*")
_SEGMENT = re.compile(rb"[A-Z][A-Z0-9]{2}(?:[^A-Za-z0-9\s]|[\r\n]|\Z)")
_EMPTY = b" \t\r\n\x0b\x1c\x0c\x00\x1a"


def _end(raw: bytes, start: int, stop: int) -> int:
    """Where the message that begins at `start` ends: at a frame end or a blank line after which no segment follows."""
    at = start
    while True:
        found = _BREAK.search(raw, at, stop)
        if found is None:
            return stop
        rest = found.end()
        if rest >= stop or not raw[rest:stop].strip(_EMPTY):
            return stop
        if found[0][0] == 0x1C or not _SEGMENT.match(raw, rest, stop):
            while rest < stop and raw[rest] in b"\r\n":
                rest += 1
            return rest
        at = rest


def own(raw: bytes) -> Iterator[bytes]:
    """The stretches of a delivery that make its units, in order; together they are the delivery."""
    for start, end, _ in _stretches(raw):
        yield raw[start:end]


def split(raw: bytes) -> Iterator[Unit]:
    """Units in order. Bytes that hold no message at all are one unit, so that they are landed and quarantined, not lost."""
    for start, end, envelope in _stretches(raw):
        if envelope is None:
            yield Unit(raw[start:end], (Piece(start, end - start),))
            continue
        places = [(at, at + 3) for at in envelope.before] + [(start, end)]
        places += [(envelope.after, envelope.after + 3)] if envelope.after >= 0 else []
        pieces = tuple(Piece(first, last - first) for first, last in places)
        yield Unit(b"".join(raw[first:last] for first, last in places), pieces, 3 * len(envelope.before))


def _stretches(raw: bytes) -> Iterator[tuple[int, int, Envelope | None]]:
    """Begin and end of each unit, and what an envelope's unit holds besides."""
    if not raw:
        return
    starts, names = [], []
    for found in _START.finditer(raw):
        names.append((found[1], found.start(1)))
        at = found.start()
        while at and raw[at - 1] == 0x0B:  # the frame's start belongs to its message
            at -= 1
        starts.append(at)
    if not starts:
        yield 0, len(raw), None
        return
    if starts[0] and not raw[: starts[0]].removeprefix(b"\xef\xbb\xbf").strip(_EMPTY):
        starts[0] = 0
    elif starts[0]:
        yield 0, starts[0], None
    envelopes = closed(names) if any(name != b"MSH" for name, _ in names) else {}
    for index, start in enumerate(starts):
        stop = starts[index + 1] if index + 1 < len(starts) else len(raw)
        end = _end(raw, start, stop)
        yield start, end, envelopes.get(names[index][1])
        if end < stop:
            yield end, stop, None
