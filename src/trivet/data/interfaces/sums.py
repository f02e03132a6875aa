"""Sums over the traffic of a feed: they can be added up in any order and any portions, so that the whole is the sum of its parts.

In: `Traffic` of units, or sums that were packed. Out: counts by message type, part, field and value. Of a field's values only the `KEPT`
whose digests are smallest are held: whichever way the traffic is split, the same ones remain, with exact counts.

Packed sums are one JSON object: `parts` are rows of type, part and four numbers, `fields` rows of part, field and one number for each
name of `FIELD`, `values` an object of elements by value for each coded field; all in the order of names, so equal sums are equal bytes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

from trivet.contracts.record import DISPOSITIONS
from trivet.contracts.traffic import Repeat, Seen, Traffic
from trivet.data.interfaces.observe import SHAPES

__all__ = ["KEPT", "Sums", "rank"]

KEPT = 256
# What the row of a field counts, behind its names: containers it is in, repeats in them, elements, lengths, shapes, fates.
FIELD = ("containers", "least", "most", "elements", "shortest", "longest", *SHAPES, *DISPOSITIONS)
LEAST, MOST = ("least", "shortest"), ("most", "longest")
_HOW = tuple(min if name in LEAST else max if name in MOST else None for name in FIELD)
_PLACE = {name: place for place, name in enumerate(FIELD)}
_encoder, _decoder = msgspec.json.Encoder(), msgspec.json.Decoder()


@lru_cache(maxsize=100_000)
def rank(value: str) -> int:
    """The order in which values are kept: by digest, so that it depends on nothing else. 62 bits, never negative."""
    return int.from_bytes(hashlib.sha256(value.encode("utf-8")).digest()[:8], "big") >> 2


@dataclass(slots=True)
class Sums:
    """`parts`: (type, part) -> units, containers, least and most containers in one unit that has any. The part "" is the unit itself.
    `fields`: (part, field) -> one number for each name of `FIELD`. `values`: field -> value -> elements."""

    parts: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    fields: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    values: dict[str, dict[str, int]] = field(default_factory=dict)

    def take(self, units: Iterable[Traffic]) -> Sums:
        """Add units. Their lines are much the same and mostly the very same objects, so those are counted first."""
        units = [unit for unit in units if unit.seen]  # held: while they are, an object's number is its own
        parts: Counter[tuple[str, str, int]] = Counter()
        repeats, seen = Counter[int](), Counter[int]()
        repeat_of, seen_of = dict[int, Repeat](), dict[int, Seen]()
        for unit in units:
            parts[unit.type, "", 1] += 1
            for part, count in unit.parts:
                parts[unit.type, part, count] += 1
            for lines, counted, known in ((unit.repeats, repeats, repeat_of), (unit.seen, seen, seen_of)):
                numbers = list(map(id, lines))
                counted.update(numbers)
                known.update(zip(numbers, lines, strict=True))  # type: ignore[arg-type]
        for (kind, part, count), times in parts.items():
            self.part(kind, part, [times, times * count, count, count])
        rows: dict[str, list[int]] = {}
        for number, times in repeats.items():
            part, name, count = repeat_of[number]
            row = rows[name] = self.row(part, name)
            row[0] += times
            if count < row[1]:
                row[1] = count
            if count > row[2]:
                row[2] = count
        for number, times in seen.items():
            name, disposition, shape, length, value = seen_of[number]
            row = rows[name]
            row[3] += times
            if length < row[4]:
                row[4] = length
            if length > row[5]:
                row[5] = length
            row[_PLACE[shape]] += times
            row[_PLACE[disposition]] += times
            if value:
                held = self.values.setdefault(name, {})
                held[value] = held.get(value, 0) + times
        return self.trim()

    def part(self, kind: str, part: str, row: Iterable[int]) -> None:
        """Add a row of a part."""
        units, containers, least, most = row
        held = self.parts.get((kind, part))
        if held is None:
            self.parts[kind, part] = [units, containers, least, most]
        else:
            self.parts[kind, part] = [held[0] + units, held[1] + containers, min(held[2], least), max(held[3], most)]

    def row(self, part: str, name: str) -> list[int]:
        """The row of a field, to count in place; one of nothing when it is new."""
        held = self.fields.get((part, name))
        if held is None:
            held = self.fields[part, name] = [0, _NO_LENGTH, 0, 0, _NO_LENGTH, 0, *_ZERO]
        return held

    def field(self, part: str, name: str, row: list[int]) -> None:
        """Add a row of a field."""
        held = self.fields.get((part, name))
        if held is None:
            self.fields[part, name] = row
        else:
            self.fields[part, name] = [how(one, two) if how else one + two for how, one, two in zip(_HOW, held, row, strict=True)]

    def value(self, name: str, value: str, elements: int) -> None:
        """Add a value of a coded field."""
        held = self.values.setdefault(name, {})
        held[value] = held.get(value, 0) + elements

    def add(self, other: Sums) -> Sums:
        """Add other sums."""
        for (kind, part), row in other.parts.items():
            self.part(kind, part, row)
        for (part, name), row in other.fields.items():
            self.field(part, name, list(row))
        for name, values in other.values.items():
            for value, elements in values.items():
                self.value(name, value, elements)
        return self.trim()

    def packed(self) -> bytes:
        """As JSON. Sums that were trimmed and are equal give the same bytes."""
        said: dict[str, Any] = {
            "parts": [[*name, *row] for name, row in sorted(self.parts.items())],
            "fields": [[*name, *row] for name, row in sorted(self.fields.items())],
            "values": {name: dict(sorted(values.items())) for name, values in sorted(self.values.items())},
        }
        return _encoder.encode(said)

    def add_packed(self, packed: bytes | str) -> Sums:
        """Add sums that were packed. Whoever is done adding trims."""
        said = _decoder.decode(packed)
        for kind, part, *row in said["parts"]:
            self.part(kind, part, row)
        fields = self.fields
        for part, name, *row in said["fields"]:
            held = fields.get((part, name))
            if held is None:
                fields[part, name] = row
            else:
                self.field(part, name, row)
        for name, values in said["values"].items():
            held_values = self.values.setdefault(name, {})
            for value, elements in values.items():
                held_values[value] = held_values.get(value, 0) + elements
        return self

    def trim(self) -> Sums:
        """Keep of each field's values those with the smallest digests."""
        for name, values in self.values.items():
            if len(values) > KEPT:
                kept = sorted(values, key=lambda value: (rank(value), value))[:KEPT]
                self.values[name] = {value: values[value] for value in kept}
        return self


_NO_LENGTH = 1 << 40  # the least of nothing
_ZERO = [0] * (len(SHAPES) + len(DISPOSITIONS))
