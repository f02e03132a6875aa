"""Converters: what a single leaf becomes, by the name that a table gives in its `transform` column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trivet.integration.formats.hl7v2 import values
from trivet.integration.formats.hl7v2.codes import code_map
from trivet.integration.formats.hl7v2.reader import Leaf
from trivet.integration.formats.hl7v2.values import Doubt
from trivet.integration.formats.hl7v2.watch import Pure, pick
from trivet.integration.formats.hl7v2.work import Work

__all__ = ["Convert", "converter", "stripped", "watched"]

Convert = Callable[[Work, Leaf], Any]


def stripped(text: str, work: Work) -> str | None:
    """The text without blanks around it."""
    return text.strip() or None


_PURE: dict[str, Pure] = {
    "string": stripped,
    "verbatim": lambda text, work: text,
    "dateTime": lambda text, work: values.date_time(text, work.offset, work.zone),
    "date": lambda text, work: values.date(text),
    "instant": lambda text, work: values.instant(text, work.offset, work.zone),
    "time": lambda text, work: values.time(text),
    "decimal": lambda text, work: values.decimal(text),
    "integer": lambda text, work: values.integer(text),
    "positive": lambda text, work: values.positive(text),
    "boolean": lambda text, work: values.boolean(text),
    "system": lambda text, work: work.settings.code_system(text.strip()),
    "namespace": lambda text, work: work.settings.authority(text, "", ""),
    "comparator": lambda text, work: _compared(text)[0] or None,
    "compared": lambda text, work: values.decimal(_compared(text)[1]),
    "minutes_of_seconds": lambda text, work: _minutes(text),
    "moment": lambda text, work: values.date_time(text, work.offset, work.zone) if len(text.strip()) > 9 else None,
}
_CONSTANT: dict[str, Convert] = {
    "unsystem": lambda work, leaf: work.settings.code_system(""),
    "source": lambda work, leaf: work.source,
    "one": lambda work, leaf: 1,
    "true": lambda work, leaf: True,
    "false": lambda work, leaf: False,
}
_pure: dict[Convert, Pure] = {}


def _open(function: Pure) -> Convert:
    """A converter whose value depends on the leaf's text alone."""

    def convert(work: Work, leaf: Leaf) -> Any:
        return function(leaf[3], work)

    _pure[convert] = function
    return convert


_CONVERTERS: dict[str, Convert] = {name: _open(function) for name, function in _PURE.items()} | _CONSTANT


def watched(work: Work, leaf: Leaf, convert: Convert) -> Any:
    """What a converter makes of a leaf while its segment is watched: a slot, where its value depends on the text alone."""
    function = _pure.get(convert)
    if function is None:
        return convert(work, leaf)
    try:
        return pick(work, leaf, function)
    except Doubt:
        return convert(work, leaf)


def _minutes(text: str) -> int:
    """Whole minutes of a number of seconds. Raises Doubt when they do not come out."""
    seconds = values.positive(text)
    if seconds % 60:
        raise Doubt("doubtful-number", "not whole minutes")
    return seconds // 60


def _compared(text: str) -> tuple[str, str]:
    """`<0.5` as comparator and number: HL7 gives NM no comparator, laboratories do."""
    text = text.strip()
    for sign in ("<=", ">=", "<", ">"):
        if text.startswith(sign):
            return sign, text[len(sign) :].strip()
    return "", text


def _coded(name: str) -> Convert:
    """A code of a required binding. An unknown one is a Doubt that carries it."""
    rows, system = code_map(name).rows, code_map(name).system

    def convert(work: Work, leaf: Leaf) -> Any:
        text = leaf[3].strip()
        found = rows.get(text) or rows.get(text.upper()) or rows.get(text.lower())
        if found is None:
            raise Doubt("unknown-code", "not in the code map", system, text)
        if not found.code:  # the code map says that it has no counterpart
            work.dropped.setdefault(leaf[0], f"code-map:{name}={text}")
        return found.code or None

    def code(text: str, work: Work) -> str:
        text = text.strip()
        found = rows.get(text) or rows.get(text.upper()) or rows.get(text.lower())
        if found is None or not found.code:
            raise Doubt("unknown-code", "not in the code map", system, text)
        return found.code

    _pure[convert] = code
    return convert


def converter(transform: str, argument: str) -> Convert | None:
    if transform == "code:AppointmentPriority":  # a number in FHIR
        coded = _coded("AppointmentPriority")
        return lambda work, leaf: int(coded(work, leaf))
    if transform.startswith("code:"):
        return _coded(transform[5:])
    if transform == "=":
        return lambda work, leaf: argument
    if transform == "option":
        return lambda work, leaf: work.settings.options.get(argument)
    if transform == "own_codes":
        return lambda work, leaf: work.settings.code_pattern.format(base=work.settings.base, name=argument)
    if transform == "own_system":
        return lambda work, leaf: work.settings.id_pattern.format(base=work.settings.base, name=argument)
    if transform == "prefixed":
        return _open(lambda text, work: argument + text.strip())
    return _CONVERTERS.get(transform or "string")
