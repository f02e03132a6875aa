"""Cuts a delivery into messages without losing a byte: plain files, MLLP frames, FHS/BHS batches, garbage in between.

Every unit is one message, one batch header or trailer, or one stretch of garbage. Blank lines, frame bytes and a byte
order mark go with the message they stand at, so the pieces of all units cover the delivery exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trivet.contracts.envelope import Piece, Unit

__all__ = ["split"]

_START = re.compile(rb"(?:(?<=[\r\n\x0b\x1c])|\A|\A\xef\xbb\xbf)(?:MSH|FHS|BHS|BTS|FTS)(?=[^A-Za-z0-9\r\n\x00-\x20]|[\r\n]|\Z)")
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


def split(raw: bytes) -> Iterator[Unit]:
    """Units in order. Bytes that hold no message at all are one unit, so that they are landed and quarantined, not lost."""
    if not raw:
        return
    starts = []
    for found in _START.finditer(raw):
        at = found.start()
        while at and raw[at - 1] == 0x0B:  # the frame's start belongs to its message
            at -= 1
        starts.append(at)
    if not starts:
        yield _unit(raw, 0, len(raw))
        return
    if starts[0] and not raw[: starts[0]].removeprefix(b"\xef\xbb\xbf").strip(_EMPTY):
        starts[0] = 0
    elif starts[0]:
        yield _unit(raw, 0, starts[0])
    for index, start in enumerate(starts):
        stop = starts[index + 1] if index + 1 < len(starts) else len(raw)
        end = _end(raw, start, stop)
        yield _unit(raw, start, end)
        if end < stop:
            yield _unit(raw, end, stop)


def _unit(raw: bytes, start: int, end: int) -> Unit:
    return Unit(raw[start:end], (Piece(start, end - start),))
