"""Whether a record is valid FHIR R4, asked once for all records that are made alike. What is not is mended by `integration/valid.py`.

A record that forms made has its shape from them: the templates in its spans, and where they stand, say all that R4's rules depend on.
Where a rule looks at a value (a word of a small vocabulary, the ends of a period, the sign of a number), `guard` makes the text exact or
puts a test into the form, when the form is made. Records that rows made are judged by their shape, value by value.
"""

from __future__ import annotations

from decimal import Decimal
from operator import itemgetter
from typing import Any

from trivet.contracts.record import Record, Translation
from trivet.integration.formats.hl7v2.watch import Slot, Watch
from trivet.integration.formats.hl7v2.work import Builder, Work
from trivet.integration.valid import BOUND, WORDS, proven, settle

__all__ = ["guard", "mended", "sound"]

KEYS = 20_000  # of one feed
_ENDS = frozenset(("start", "end"))
_CODES = frozenset(("code", "valueCode"))
_ends_of = itemgetter(0, -1)  # path and rule of a span, template of many and where they stand


def sound(work: Work, builder: Builder, record: Record) -> bool:
    """Whether a finished record is valid; known beforehand for most."""
    if builder.loose or not work.message.script.sheet.calm:
        return settle(record)[0] is record
    known = work.settings.sound
    key = (builder.type, builder.by is None, *map(_ends_of, builder.spans))
    if key in known:
        return True
    if settle(record)[0] is not record:
        return False
    if len(known) >= KEYS:
        known.clear()
    known.add(key)
    return True


def mended(told: Translation) -> Translation:
    """A translation with a record that is not valid: put right, and what had to go for it said."""
    return proven(told, "hl7v2")


def guard(watch: Watch, children: list[Any], scratch: Any) -> bool:
    """Make what R4's rules ask of the values of a form a part of the form. Says whether a record that it is told to may still be wrong
    though it is right by itself: when one end of a period is there and the other may stand in the record. Raises KeyError when there
    can be no form."""
    _look(watch, children, "")
    if isinstance(scratch, Builder):
        _look(watch, scratch.resource, "")
        return False
    loose = False
    for target, _, value, *_ in scratch.puts:
        name = target.steps[-1][0] if target is not None else ""
        if name in _CODES and isinstance(value, Slot):
            _fix(watch, value)
        _look(watch, value, name)
        loose |= name in _ENDS or _half(value)
    return loose


def _half(value: Any) -> bool:
    if isinstance(value, dict):
        return len(_ENDS & value.keys()) == 1 or any(map(_half, value.values()))
    return isinstance(value, list) and any(map(_half, value))


def _look(watch: Watch, value: Any, name: str) -> None:
    if isinstance(value, dict):
        for key, part in value.items():
            _look(watch, part, key)
        start, end, system = value.get("start"), value.get("end"), value.get("system")
        if isinstance(start, Slot) or isinstance(end, Slot):
            _test(watch, _ordered, start, end)
        if isinstance(value.get("code"), Slot) and str(_plain(system) or "").startswith(BOUND):
            _fix(watch, value["code"])
    elif isinstance(value, list):
        for part in value:
            _look(watch, part, name)
    elif isinstance(value, Slot):
        if name in WORDS:
            _fix(watch, value)
        elif name in _CODES:
            _test(watch, _spaced, value)
        elif not isinstance(value.value, str):
            _test(watch, _size, value)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Slot) else value


def _fix(watch: Watch, slot: Slot) -> None:
    if slot.code[0] != "leaf":
        raise KeyError(slot.code[0])
    watch.exact.add(slot.code[1])


def _test(watch: Watch, about: Any, *values: Any) -> None:
    watch.tests.append(("alike", about, values, about(*[_plain(value) for value in values])))


def _ordered(start: Any, end: Any) -> bool:
    return start is None or end is None or str(start)[:10] <= str(end)[:10]


def _spaced(text: str) -> bool:
    return " " in text


def _size(value: Any) -> Any:
    if type(value) is Decimal:
        return abs(value.adjusted()) > 12
    return value if type(value) is bool else (value > 0) - (value < 0)
