"""The bytes of some values of a JSON text that the exact parser has read: only what leads to them is read again, a level at a time.

In: the text, its value, paths. Out: where each stands. The parser of the kernel's library hands out members and items as bytes in their
order; each is found behind the one before it. Only for texts without a fault and without a name that stands twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec import Raw
from msgspec.json import Decoder

from trivet.integration.validation.reader import Where

__all__ = ["locate"]

Path = tuple[str | int, ...]
AROUND = b" \t\r\n"
BOM = b"\xef\xbb\xbf"
NAME = re.compile(rb'[ \t\r\n,]*("[^"\\]*(?:\\.[^"\\]*)*")[ \t\r\n]*:[ \t\r\n]*', re.S)
BETWEEN = re.compile(rb"[ \t\r\n,]*")
members = Decoder(dict[str, Raw]).decode
items = Decoder(list[Raw]).decode


def locate(raw: bytes, paths: Collection[Path]) -> dict[Path, Where]:
    """Where the paths that lead somewhere stand."""
    start = len(BOM) if raw.startswith(BOM) else 0
    start += len(raw) - start - len(raw[start:].lstrip(AROUND))
    made: dict[Path, Where] = {}
    _below(raw, Where(start, len(raw.rstrip(AROUND))), (), list(set(paths)), made)
    return made


def _below(raw: bytes, where: Where, path: Path, wanted: list[Path], made: dict[Path, Where]) -> None:
    """Find the wanted paths at and below one value."""
    level = len(path)
    by_step: dict[str | int, list[Path]] = {}
    for one in wanted:
        if len(one) == level:
            made[one] = where
        else:
            by_step.setdefault(one[level], []).append(one)
    if not by_step:
        return
    text, at = raw[where.start : where.end], where.start + 1
    if text[:1] == b"{":
        inner = [(name, bytes(held)) for name, held in members(text).items()]
        # Without blanks between tokens and without escapes in names this is the length of the text; with them the text is longer.
        compact = sum([len(name) + len(value) + 4 for name, value in inner]) + 1 == len(text)
        for name, value in inner:
            first, start = at, at + len(name) + 3
            if not compact:
                found = NAME.match(raw, at)
                if found is None:
                    return
                first, start = found.start(1), found.end()
            end = start + len(value)
            if name in by_step:
                _below(raw, Where(start, end, first), (*path, name), by_step.pop(name), made)
                if not by_step:
                    return
            at = end + 1 if compact else end
    elif text[:1] == b"[":
        for number, held in enumerate(items(text)):
            found = BETWEEN.match(raw, at)
            start = found.end() if found else at
            at = start + len(bytes(held))
            if number in by_step:
                _below(raw, Where(start, at), (*path, number), by_step.pop(number), made)
                if not by_step:
                    return
