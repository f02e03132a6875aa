"""What every `Format` must keep, whoever wrote it. A third party runs this over its own samples:

    kit = FormatKit(MyFormat(), SourceProfile("lab"), related=my_related)
    for raw in samples:
        kit.check(raw)
    kit.torture(samples, rounds=500, seed=7)

Each `check_*` raises AssertionError that says what is broken and where; none of them needs a test framework.
"""

from __future__ import annotations

import random
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from trivet.contracts.envelope import Unit
from trivet.contracts.ports import Format
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import DISPOSITIONS, Record, Span, Translation

__all__ = ["FormatKit", "at_path", "related"]

ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
STEP = re.compile(r"([^.\[\]]+)((?:\[\d+\])*)")
Related = Callable[[Span, Any, str], bool]


def must(holds: object, what: str) -> None:
    """AssertionError with its reason, also where Python runs without assertions."""
    if not holds:
        raise AssertionError(what)


def at_path(resource: Any, path: str) -> Any:
    """The value at an element path (`code.coding[0].code`). Raises LookupError when there is none."""
    value = resource
    for step in path.split("."):
        found = STEP.fullmatch(step)
        if found is None:
            raise LookupError(path)
        value = value[found[1]]
        for index in re.findall(r"\d+", found[2]):
            value = value[int(index)]
    return value


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def related(span: Span, value: Any, text: str) -> bool:
    """Whether a value can come from this text as it stands: equal but for punctuation, one inside the other, or the same number.

    A format whose rules translate codes passes its own function and falls back on this one.
    """
    if isinstance(value, bool):
        return bool(text)
    if isinstance(value, (int, Decimal)):
        numbers = [Decimal(number) for number in re.findall(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?", text)]
        return any(number == value or abs(number) == abs(value) for number in numbers)
    one, other = _bare(str(value)), _bare(text)
    digits, written = re.sub(r"\D", "", str(value)), re.sub(r"\D", "", text)
    if len(written) >= 8 and (digits.startswith(written[:8]) or written[8:].startswith(digits)):
        return True  # a date or a time, or the end of a period
    return one in other or other in one or span.path == "id" or span.path.endswith("reference")


@dataclass(slots=True)
class FormatKit:
    """The checks for one format under one profile. `leaves(raw)`, where given, says independently which places are non-empty elements."""

    format: Format
    profile: SourceProfile
    related: Related = related
    leaves: Callable[[bytes], set[tuple[int, int]]] | None = None

    def check(self, raw: bytes) -> list[tuple[Unit, Translation]]:
        """Everything, over one delivery. Its units and what they say, for checks of your own."""
        units = self.check_nothing_lost(raw)
        told = [(unit, self.check_unit(unit.raw)) for unit in units]
        must(self.format.write(raw) == raw, "write(raw) must give the delivery back byte by byte")
        return told

    def check_nothing_lost(self, raw: bytes) -> list[Unit]:
        """Pieces of the units cover every byte, and every unit is exactly its pieces."""
        units = list(self.format.split(raw))
        covered = bytearray(len(raw))
        for number, unit in enumerate(units):
            for piece in unit.pieces:
                must(piece.offset >= 0 and piece.length >= 0 and piece.offset + piece.length <= len(raw), f"unit {number}: piece outside")
                covered[piece.offset : piece.offset + piece.length] = b"\1" * piece.length
            joined = b"".join(raw[piece.offset : piece.offset + piece.length] for piece in unit.pieces)
            must(joined == unit.raw, f"unit {number}: raw is not what its pieces say")
            must(0 <= unit.context <= len(unit.raw), f"unit {number}: context beyond its end")
        lost = covered.find(0)
        must(lost < 0, f"byte {lost} of {len(raw)} is in no unit")
        return units

    def check_unit(self, raw: bytes) -> Translation:
        """One unit: twice the same, spans that re-read, every element once."""
        told, again = self.format.translate(raw, self.profile), self.format.translate(raw, self.profile)
        must(told == again, "the same bytes gave two translations")
        for record in told.records:
            self.check_record(raw, record)
        self.check_elements(raw, told)
        for reject in told.rejects:
            must(reject.offset >= 0 and reject.offset + reject.length <= len(raw), f"reject {reject.code} outside the unit")
            must(reject.code and reject.reason, "a reject without a code or a reason")
        must(told.records or told.rejects or told.ignored or not raw.strip(), "a unit said nothing: no record, no reject, no rule")
        return told

    def check_record(self, raw: bytes, record: Record) -> None:
        """Type, id, exact numbers; every span names an element that is there and bytes that it can come from."""
        resource = record.resource
        must(isinstance(resource.get("resourceType"), str), "a record without a type")
        must(isinstance(resource.get("id"), str) and ID.fullmatch(resource["id"]), "a record without a proper id")
        must(not list(_floats(resource)), f"{record.key}: a binary float")
        for span in record.spans:
            must(span.offset >= 0 and span.length > 0 and span.offset + span.length <= len(raw), f"{record.key} {span.path}: span outside")
            must(span.locator and span.rule, f"{record.key} {span.path}: no locator or no rule")
            try:
                value = at_path(resource, span.path)
            except (LookupError, TypeError):
                raise AssertionError(f"{record.key} has no element {span.path}") from None
            text = raw[span.offset : span.offset + span.length].decode("utf-8", "replace")
            must(self.related(span, value, text), f"{record.key} {span.path} ({span.rule}): the value does not come from {span.locator}")

    def check_elements(self, raw: bytes, told: Translation) -> None:
        """Each non-empty source element once, inside the unit, with a known disposition; the mapped ones are named by a span."""
        places = [(element.offset, element.length) for element in told.elements]
        must(len(set(places)) == len(places), "an element is named twice")
        starts = sorted({span.offset for record in told.records for span in record.spans})
        for element in told.elements:
            must(element.offset >= 0 and element.length > 0 and element.offset + element.length <= len(raw), f"{element.locator}: outside")
            must(element.disposition in DISPOSITIONS, f"{element.locator}: {element.disposition} is no disposition")
            must(element.disposition in ("uncovered", "rejected") or element.rule, f"{element.locator}: {element.disposition} by no rule")
            if element.disposition == "mapped":
                follows = bisect_left(starts, element.offset)
                near = follows < len(starts) and starts[follows] < element.offset + element.length
                must(near, f"{element.locator}: mapped, but no span names it")
        ends = sorted(places)
        for (start, length), (follows, _) in pairwise(ends):
            must(start + length <= follows, f"elements overlap at byte {follows}")
        if self.leaves is not None:
            self.check_leaves(self.leaves(raw), told)

    def check_leaves(self, leaves: set[tuple[int, int]], told: Translation) -> None:
        """Elements are exactly the non-empty places that an independent reading finds; a part that is rejected whole may be one element."""
        whole = [(element.offset, element.offset + element.length) for element in told.elements if element.disposition == "rejected"]
        said = {place for place in leaves if not any(start <= place[0] and place[0] + place[1] <= end for start, end in whole)}
        places = {(element.offset, element.length) for element in told.elements if element.disposition != "rejected"}
        must(said == places, f"elements not named: {sorted(said - places)[:5]}, invented: {sorted(places - said)[:5]}")

    def torture(self, samples: Sequence[bytes], rounds: int, seed: int) -> None:
        """Never raises, never loses a byte: arbitrary bytes and broken samples."""
        for raw in broken(samples, rounds, seed):
            for unit in self.check_nothing_lost(raw):
                self.check_unit(unit.raw)
            self.check_unit(raw)


def _floats(value: Any) -> Iterable[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _floats(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _floats(inner)


def broken(samples: Sequence[bytes], rounds: int, seed: int) -> Iterable[bytes]:
    """Samples with bytes flipped, cut out, doubled, put in from elsewhere; and plain noise. Same seed, same bytes."""
    rng = random.Random(seed)
    for _ in range(rounds):
        raw = bytearray(rng.choice(samples)[: 1 << 15])
        for _ in range(rng.choice((1, 1, 2, 4, 16))):
            start = rng.randrange(len(raw) + 1)
            end = min(len(raw), start + rng.choice((1, 1, 2, 8, 64, 512)))
            change = rng.randrange(6)
            if change == 0 and raw:
                raw[start % len(raw)] = rng.randrange(256)
            elif change == 1:
                del raw[start:end]
            elif change == 2:
                raw[start:start] = raw[start:end]
            elif change == 3:
                raw[start:start] = rng.randbytes(rng.choice((1, 3, 40)))
            elif change == 4:
                del raw[start:]
            else:
                other = rng.choice(samples)
                at = rng.randrange(len(other) + 1)
                raw[start:end] = other[at : at + 64]
        yield bytes(raw)
