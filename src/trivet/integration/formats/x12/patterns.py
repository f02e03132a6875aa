"""What a segment without fault looks like: one regular expression for a place in a guide and the elements that are filled.

In: a segment in which `elements.check` found nothing. Out: the expression of all segments with the same elements, components and
repetitions filled whose values are right by the same rules. What it takes has no fault; what it does not take is checked one by one.
So which elements there are (relations between them, what is required, how many) is decided once, when the expression is made, and
dates and numbers that are written unusually are left to the check.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from trivet.integration.formats.x12.elements import Kind, dictionary, wrong
from trivet.integration.formats.x12.structure import Slot
from trivet.integration.formats.x12.tokens import NO_NAME, Marks, Segment

__all__ = ["Known", "Patterns"]

MOST, FIRST, LAST = 8, 2, 64  # expressions for one place and number of elements; from which time on a place is tried, and how often
# The twenty-ninth of February is left to the check; years are those that `values.date` admits.
DAY = r"(?:1[89]|2[01])[0-9]{2}(?:(?:0[1-9]|1[0-2])(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])(?:29|30)|(?:0[13578]|1[02])31)"
CLOCK = r"(?:[01][0-9]|2[0-3])[0-5][0-9](?:[0-5][0-9](?:[0-9]{1,2})?)?"
MOMENT = rf"{DAY}(?:(?:[01][0-9]|2[0-3])[0-5][0-9](?:[0-5][0-9])?)?"
PERIODS = {"D8": DAY, "RD8": f"{DAY}(?:-{DAY})?", "DT": MOMENT, "TM": CLOCK}
CONTROLS = r"\x00-\x1f\x7f"
Known = dict[int, list[re.Pattern[str]]]


class Patterns:
    """The expressions of one structure for one set of separators, by place, each by number of elements."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        signs = (marks.element, marks.component, marks.repetition, marks.terminator)
        # A separator that stands in numbers and periods parts what an expression would take as one.
        self.able = not any(sign in "-." for sign in signs if sign)
        self.other = "".join(re.escape(sign) for sign in signs if sign)
        self.known: dict[Slot, Known] = {}
        self._tries: dict[Slot, int] = {}

    def learn(self, segment: Segment, slot: Slot) -> None:
        """Make the expression of a segment without fault."""
        tries = self._tries[slot] = self._tries.get(slot, 0) + 1
        if not self.able or not FIRST <= tries <= LAST or segment.name == NO_NAME:
            return
        known = self.known.setdefault(slot, {}).setdefault(len(segment.values), [])
        if len(known) >= MOST:
            return
        written = self._segment(segment, slot)
        if written is not None:
            known.append(re.compile(written))

    def _segment(self, segment: Segment, slot: Slot) -> str | None:
        kinds, values = dictionary().get(segment.name), segment.values
        allowed: dict[int, dict[int, frozenset[str]]] = {}
        for element, component, codes in slot.values:
            mine = allowed.setdefault(element, {})
            mine[component] = mine[component] & codes if component in mine else codes
        parts = [re.escape(values[0])]
        for element, value in enumerate(values[1:], 1):
            kind = kinds[element - 1] if kinds is not None else None
            after = kinds[element] if kinds is not None and element < len(kinds) else None
            written = self._element(value, kind, values[element - 1] if element > 1 else "", after, allowed.get(element, {}))
            if written is None:
                return None
            parts.append(written)
        return re.escape(self.marks.element).join(parts)

    def _element(self, value: str, kind: Kind | None, before: str, after: Kind | None, allowed: dict[int, frozenset[str]]) -> str | None:
        marks = self.marks
        if not value:
            return ""
        repeats = bool(marks.repetition) and marks.repetition in value
        if kind is not None and kind.type and not repeats:
            return self._value(value, kind, before, after, allowed.get(0))
        if (repeats and allowed) or (after is not None and after.type == "DP"):
            return None
        found = []
        inner: Sequence[Kind] = dictionary().get(kind.reference, ()) if kind is not None and not kind.type else ()
        for repetition in value.split(marks.repetition) if repeats else [value]:
            texts = repetition.split(marks.component)
            written = []
            for place, text in enumerate(texts):
                part = inner[place] if place < len(inner) else None
                follows = inner[place + 1] if place + 1 < len(inner) else None
                written.append(self._value(text, part, texts[place - 1] if place else "", follows, allowed.get(place)) if text else "")
            found.append(re.escape(marks.component).join(written))
        return re.escape(marks.repetition).join(found)

    def _value(self, text: str, kind: Kind | None, before: str, after: Kind | None, allowed: frozenset[str] | None) -> str:
        """One simple value. The text before a date period says how that is written, so it stays as it is."""
        if after is not None and after.type == "DP":
            return re.escape(text)
        if allowed is not None:
            codes = [code for code in sorted(allowed) if code and self._plain(code) and (kind is None or not wrong(kind, code, before))]
            return f"(?:{'|'.join(map(re.escape, codes or [text]))})"
        if kind is None:
            return f"[^{self.other}]+"
        least, most = max(1, kind.least), kind.most
        if kind.type == "N0":
            return f"-?[0-9]{{{least},{most}}}"
        if kind.type == "R":
            return f"-?[0-9]{{{least},{most - 3}}}(?:\\.[0-9]{{0,3}})?" if least <= most - 3 else f"-?[0-9]{{{least},{most}}}"
        if kind.type in ("DT", "TM"):
            return DAY if kind.type == "DT" else CLOCK
        if kind.type == "DP" and before in PERIODS:
            return PERIODS[before]
        return f"[^{self.other}{CONTROLS}]{{{least},{most}}}"

    def _plain(self, code: str) -> bool:
        marks = self.marks
        return not any(sign in code for sign in (marks.element, marks.component, marks.repetition, marks.terminator) if sign)
