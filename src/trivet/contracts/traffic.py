"""What one unit shows of its feed's shape: structure and counts, and of values only codes. Nothing here names a person."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["NO_TRAFFIC", "Repeat", "Seen", "Traffic"]


class Repeat(NamedTuple):
    """In one container of `part` (a segment, a resource, an entry, a row) the field was there `times` times."""

    part: str
    field: str
    times: int


class Seen(NamedTuple):
    """One element of a field: what became of it, its shape and length in bytes, and its value where the field holds codes (else "")."""

    field: str
    disposition: str
    shape: str
    length: int
    value: str


class Traffic(NamedTuple):
    """`type` is the message type, `parts` says how many containers of each part the unit holds, `repeats` has a line for each field of
    each container, `seen` a line for each element. `sums` is the traffic of several units of one feed and day, this one among them, added
    up where they were translated (JSON, `data/interfaces/sums.py`): then there are no lines."""

    type: str
    parts: tuple[tuple[str, int], ...]
    repeats: tuple[Repeat, ...]
    seen: tuple[Seen, ...]
    sums: bytes = b""


NO_TRAFFIC = Traffic("", (), (), ())
