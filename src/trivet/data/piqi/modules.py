"""The assessment modules themselves: in, what stands at a path, a parameter, the record; out, True, False, or None where none can tell."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, NamedTuple

from trivet.data.omop.coding import codings
from trivet.data.omop.moments import SHAPE, read
from trivet.data.omop.paths import every, first
from trivet.data.omop.vocabulary import Vocabulary
from trivet.data.terminology import canonical_system
from trivet.data.units import BadUnit, convert_of, parse
from trivet.kernel.resources import text

__all__ = ["MODULES", "Around"]

TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?")
Module = Callable[[Sequence[Any], str, Mapping[str, Any], "Around"], "bool | None"]


class Around(NamedTuple):
    """What a module may ask: the day that is today, and a vocabulary with its systems, or none."""

    today: str
    vocabulary: Vocabulary | None
    systems: Mapping[str, str]


def populated(found: Sequence[Any], parameter: str, record: Mapping[str, Any], around: Around) -> bool:
    """Something stands there; of a concept its text, a code or a display."""
    return any(_said(one) for one in found)


def _said(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value.get("text")) or any(one.get("code") or one.get("display") for one in codings(value)) or "coding" not in value
    return value not in (None, "", [])


def _numbers(found: Sequence[Any]) -> list[Decimal] | None:
    made = []
    for one in found:
        try:
            if isinstance(one, bool):
                return None
            made.append(Decimal(str(one)))
        except InvalidOperation:
            return None
    return made


def _number(test: Callable[[Decimal], bool]) -> Module:
    def judged(found: Sequence[Any], parameter: str, record: Mapping[str, Any], around: Around) -> bool:
        numbers = _numbers(found)
        return numbers is not None and all(number.is_finite() and test(number) for number in numbers)

    return judged


def _each(test: Callable[[str, str, Around], bool]) -> Module:
    def judged(found: Sequence[Any], parameter: str, record: Mapping[str, Any], around: Around) -> bool:
        return all(isinstance(one, (str, int, Decimal)) and test(str(one), parameter, around) for one in found)

    return judged


def _day(said: str) -> date | None:
    moment = read(said)
    return moment.day if moment else None


def _past(said: str, parameter: str, around: Around) -> bool:
    day = _day(said)
    return day is not None and day.isoformat() <= around.today


def _future(said: str, parameter: str, around: Around) -> bool:
    day = _day(said)
    return day is not None and day.isoformat() > around.today


def _stamp(said: str, zoned: bool) -> bool:
    shape = SHAPE.fullmatch(said)
    return bool(shape and shape[4] and (shape[5] or not zoned)) and read(said) is not None


def _concept(test: Callable[[Mapping[str, Any], str, Around], bool | None]) -> Module:
    """The best of all codings counts."""

    def judged(found: Sequence[Any], parameter: str, record: Mapping[str, Any], around: Around) -> bool | None:
        told = [test(coding, parameter, around) for coding in codings(list(found))]
        return True if True in told else None if None in told else False

    return judged


def _complete(coding: Mapping[str, Any]) -> bool:
    return all(coding.get(name) for name in ("code", "system", "display"))


def _recognised(coding: Mapping[str, Any], parameter: str, around: Around) -> bool:
    return canonical_system(str(coding.get("system", "")))[1]


def _member(coding: Mapping[str, Any], parameter: str, around: Around) -> bool | None:
    if canonical_system(str(coding.get("system", "")))[0] not in parameter.split("|"):
        return False
    known = _known(coding, around)
    return True if known is None else bool(known)


def _known(coding: Mapping[str, Any], around: Around) -> Any:
    """The concept of a coding; False when the vocabulary has none, None when no vocabulary speaks of its system."""
    name = around.systems.get(canonical_system(str(coding.get("system", "")))[0])
    if around.vocabulary is None or name is None:
        return None
    return around.vocabulary.find(name, str(coding.get("code", ""))) or False


def _valid(coding: Mapping[str, Any], parameter: str, around: Around) -> bool | None:
    known = _known(coding, around)
    return None if known is None else bool(known)


def _active(coding: Mapping[str, Any], parameter: str, around: Around) -> bool | None:
    known = _known(coding, around)
    return None if known is None else bool(known) and not known.invalid


def _range(valid: bool) -> Module:
    def judged(found: Sequence[Any], parameter: str, record: Mapping[str, Any], around: Around) -> bool:
        for one in found:
            low, high = first(one, "low.value"), first(one, "high.value")
            numbers = _numbers([low, high])
            if low is None or high is None or numbers is None or (valid and numbers[0] > numbers[1]):
                return False
        return True

    return judged


@cache
def _limits() -> dict[str, tuple[str, Decimal, Decimal]]:
    rows = csv.DictReader(text("trivet.maps", "quality", "plausible.csv").splitlines())
    return {row["loinc"]: (row["unit"], Decimal(row["low"]), Decimal(row["high"])) for row in rows}


def _unit(record: Mapping[str, Any]) -> str:
    quantity = record.get("valueQuantity")
    said = [str(quantity[name]) for name in ("code", "unit") if quantity.get(name)] if isinstance(quantity, Mapping) else []
    return next((one for one in said if _reads(one)), said[0] if said else "")


@cache
def _reads(unit: str) -> bool:
    try:
        parse(unit)
    except (BadUnit, ValueError):
        return False
    return True


def _loinc(record: Mapping[str, Any]) -> str:
    return next((str(one["code"]) for one in codings(every(record, "code")) if one.get("system") == "http://loinc.org"), "")


def unit_valid(found: Sequence[Any], parameter: str, record: Mapping[str, Any], around: Around) -> bool:
    """The unit is one of UCUM."""
    return _reads(_unit(record))


def unit_plausible(found: Sequence[Any], parameter: str, record: Mapping[str, Any], around: Around) -> bool | None:
    """The unit can be converted to the one that the test is judged in; None for a test without limits."""
    return None if _loinc(record) not in _limits() else _canonical(record, Decimal(1)) is not None


def value_plausible(found: Sequence[Any], parameter: str, record: Mapping[str, Any], around: Around) -> bool | None:
    """The value lies within what survives and what an analyser reports; None for a test without limits."""
    limits = _limits().get(_loinc(record))
    numbers = _numbers(found)
    if limits is None or not numbers:
        return None
    value = _canonical(record, numbers[0])
    return value is not None and limits[1] <= value <= limits[2]


def _canonical(record: Mapping[str, Any], value: Decimal) -> Decimal | None:
    loinc = _loinc(record)
    unit = _limits()[loinc][0]
    try:
        made = convert_of(loinc, value, _unit(record), unit or "1")
    except (BadUnit, ValueError):
        return None
    return Decimal(made.numerator) / Decimal(made.denominator)


MODULES: dict[str, Module] = {
    "Attr_IsPopulated": populated,
    "Attr_IsNumeric": _number(lambda number: True),
    "Attr_IsInteger": _number(lambda number: number == number.to_integral_value()),
    "Attr_IsDecimal": _number(lambda number: True),
    "Attr_IsPositiveNumber": _number(lambda number: number > 0),
    "Attr_IsNegativeNumber": _number(lambda number: number < 0),
    "Attr_IsDate": _each(lambda said, parameter, around: _day(said) is not None),
    "Attr_IsFutureDate": _each(_future),
    "Attr_IsPastDate": _each(_past),
    "Attr_IsTime": _each(lambda said, parameter, around: bool(TIME.fullmatch(said))),
    "Attr_IsTimestamp": _each(lambda said, parameter, around: _stamp(said, False)),
    "Attr_IsTimestampTz": _each(lambda said, parameter, around: _stamp(said, True)),
    "Attr_MatchesRegex": _each(lambda said, parameter, around: bool(re.fullmatch(parameter, said))),
    "Attr_InList": _each(lambda said, parameter, around: said in parameter.split("|")),
    "Concept_HasCode": _concept(lambda coding, parameter, around: bool(coding.get("code"))),
    "Concept_HasCodeSystem": _concept(lambda coding, parameter, around: bool(coding.get("system"))),
    "Concept_HasDisplay": _concept(lambda coding, parameter, around: bool(coding.get("display"))),
    "Concept_HasRecognizedCodeSystem": _concept(_recognised),
    "Concept_IsComplete": _concept(lambda coding, parameter, around: _complete(coding)),
    "Concept_IsValid": _concept(_valid),
    "Concept_IsValidMember": _concept(_member),
    "Concept_IsActive": _concept(_active),
    "RangeValue_IsComplete": _range(False),
    "RangeValue_IsValid": _range(True),
    "LabResult_UnitIsValid": unit_valid,
    "LabResult_UnitIsPlausible": unit_plausible,
    "LabResult_ValueIsPlausible": value_plausible,
}
