"""Which bed is free: beds are given out as the days go by, so that no two persons ever lie in one.

Lives are simulated one by one and cannot know who else is in hospital. They write a place-holder (`@R:key@` for the room, `@B:key@` for the
bed); here, where everything passes in order of time, the bed management rows take and free beds and the place-holders become labels. A ward
that is full puts people in the corridor. What is remembered grows with the number of people in bed, not with the number of persons.
"""

from __future__ import annotations

import re
from collections import deque
from zlib import crc32

from trivet.testing.hospital.almanac import DAY
from trivet.testing.hospital.chart import Piece
from trivet.testing.hospital.tables import Ward

__all__ = ["BedList", "holder"]

_HOLDER = re.compile(rb"@([RB]):([^@]+)@")
_BROKEN = re.compile(rb"@[RB]?:?[^@|]*$")  # a message cut short may end inside a place-holder
_MEMORY = 10 * DAY  # messages may come days late, and still name the bed


def holder(ward: str, visit: str, step: int) -> str:
    """The place-holder key of one step of one stay."""
    return f"{ward}:{visit}:{step}"


class BedList:
    """Beds by ward. `settle` must see pieces in order of time."""

    def __init__(self, wards: tuple[Ward, ...]) -> None:
        self._beds = {ward.code: ward.beds for ward in wards}
        self._taken: dict[str, set[int]] = {ward.code: set() for ward in wards}
        self._labels: dict[str, tuple[bytes, bytes]] = {}
        self._given: dict[str, int] = {}
        self._left: deque[tuple[int, str]] = deque()

    def settle(self, piece: Piece) -> Piece:
        """The piece with its place-holders filled in."""
        if b"@R:" not in piece.payload:
            return piece
        if piece.source == "beds" and piece.row:
            found = _HOLDER.search(piece.payload)
            key = found[2].decode() if found else ""
            if piece.payload.endswith(b",\n"):
                self._take(key)
            else:
                self._free(key, piece.at)
        payload = _HOLDER.sub(self._label, piece.payload)
        return piece._replace(payload=_BROKEN.sub(b"", payload))

    def _take(self, key: str) -> None:
        ward = key.partition(":")[0]
        taken, beds = self._taken[ward], self._beds[ward]
        first = crc32(key.encode()) % beds
        number = next((place for place in (*range(first, beds), *range(first)) if place not in taken), -1)
        if number < 0:
            number = beds
            while number in taken:
                number += 1
        taken.add(number)
        self._given[key] = number
        self._labels[key] = _words(ward, number, beds)

    def _free(self, key: str, at: int) -> None:
        self._taken[key.partition(":")[0]].discard(self._given.pop(key, -1))
        self._left.append((at, key))
        while self._left and self._left[0][0] < at - _MEMORY:
            self._labels.pop(self._left.popleft()[1], None)

    def _label(self, found: re.Match[bytes]) -> bytes:
        label = self._labels.get(found[2].decode())
        return b"" if label is None else label[found[1] == b"B"]


def _words(ward: str, number: int, beds: int) -> tuple[bytes, bytes]:
    """Room and bed: two beds to a room, and the corridor beyond them."""
    if number >= beds:
        return f"{ward}COR".encode(), str(number - beds + 1).encode()
    return f"{ward}{number // 2 + 1:02d}".encode(), (b"B" if number % 2 else b"A")
