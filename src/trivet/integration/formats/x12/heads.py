"""What stands above a person in a unit, read once for all the units that begin with the same bytes.

The claims of a file share their envelope, header and provider. A head is the state of reading at the point where the person begins;
every claim goes on from a copy of it. Same bytes, same state: this is a memory of a pure function, and forgetting it changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element
from trivet.integration.formats.x12.cut import rules_of
from trivet.integration.formats.x12.fill import Filler
from trivet.integration.formats.x12.structure import Guide, Slot
from trivet.integration.formats.x12.tokens import Marks, Segment
from trivet.integration.formats.x12.walk import Walker

__all__ = ["Head", "is_person", "openers", "opens_person", "recall", "remember"]

MOST = 8  # heads per feed
FEEDS = 64
Key = tuple[str, str, str, bool]
_heads: dict[Key, tuple[Head, ...]] = {}


@dataclass(frozen=True, slots=True)
class Head:
    """The reading of a unit up to its person: `text` are the bytes read, `elements` those of the envelope, `number` counts segments
    of the text, `position` those of the set."""

    text: bytes
    marks: Marks
    guide: Guide
    walker: Walker
    filler: Filler
    elements: tuple[Element, ...]
    number: int
    position: int


@cache
def openers(kind: str) -> frozenset[str]:
    """Names of the segments of a set that open levels."""
    return frozenset([marker.partition(":")[0] for marker in rules_of(kind)])


def is_person(segment: Segment, kind: str) -> bool:
    """Whether a segment opens a level that holds persons."""
    marker = f"HL:{segment.value(3)}" if segment.name == "HL" else segment.name
    rule = rules_of(kind).get(marker)
    return rule is not None and rule.person


def opens_person(slot: Slot, kind: str) -> bool:
    """Whether a loop that this segment opens holds persons."""
    if slot.name != "HL":
        rule = rules_of(kind).get(slot.name)
        return rule is not None and rule.person
    codes = slot.test[2] if slot.test is not None else frozenset()
    return any((rule := rules_of(kind).get(f"HL:{code}")) is not None and rule.person for code in codes)


def _key(profile: SourceProfile) -> Key:
    return profile.source, profile.base, profile.zone, bool(profile.options.get("forms", True))


def recall(raw: bytes, profile: SourceProfile) -> Head | None:
    """The head that these bytes begin with, if a person follows at once."""
    for head in _heads.get(_key(profile), ()):
        if raw.startswith(head.text):
            stop = raw.find(head.marks.byte("terminator"), len(head.text))
            text = raw[len(head.text) : stop if stop >= 0 else len(raw)].decode("latin-1")
            values = text.split(head.marks.element)
            if is_person(Segment(values[0], 0, len(text), 0, values), head.guide.set):
                return head
    return None


def remember(head: Head, profile: SourceProfile) -> None:
    """Keep a head; the oldest ones are forgotten."""
    key = _key(profile)
    if len(_heads) >= FEEDS and key not in _heads:
        _heads.clear()
    _heads[key] = (head, *(other for other in _heads.get(key, ()) if other.text != head.text))[:MOST]
