"""Converters: what a single leaf becomes, by the name that a table gives in its `transform` column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trivet.integration.formats.hl7v2 import values
from trivet.integration.formats.hl7v2.codes import code_map
from trivet.integration.formats.hl7v2.reader import Leaf
from trivet.integration.formats.hl7v2.values import Doubt
from trivet.integration.formats.hl7v2.work import Work

__all__ = ["Convert", "converter"]

Convert = Callable[[Work, Leaf], Any]


def _text(work: Work, leaf: Leaf) -> Any:
    return leaf[3].strip() or None


_CONVERTERS: dict[str, Convert] = {
    "string": _text,
    "verbatim": lambda work, leaf: leaf[3],
    "dateTime": lambda work, leaf: values.date_time(leaf[3], work.offset, work.zone),
    "date": lambda work, leaf: values.date(leaf[3]),
    "instant": lambda work, leaf: values.instant(leaf[3], work.offset, work.zone),
    "time": lambda work, leaf: values.time(leaf[3]),
    "decimal": lambda work, leaf: values.decimal(leaf[3]),
    "integer": lambda work, leaf: values.integer(leaf[3]),
    "positive": lambda work, leaf: values.positive(leaf[3]),
    "boolean": lambda work, leaf: values.boolean(leaf[3]),
    "system": lambda work, leaf: work.settings.code_system(leaf[3].strip()),
    "unsystem": lambda work, leaf: work.settings.code_system(""),
    "namespace": lambda work, leaf: work.settings.authority(leaf[3], "", ""),
    "source": lambda work, leaf: work.source,
    "one": lambda work, leaf: 1,
    "true": lambda work, leaf: True,
    "false": lambda work, leaf: False,
    "comparator": lambda work, leaf: _compared(leaf[3])[0] or None,
    "compared": lambda work, leaf: values.decimal(_compared(leaf[3])[1]),
    "minutes_of_seconds": lambda work, leaf: _minutes(leaf[3]),
    "moment": lambda work, leaf: values.date_time(leaf[3], work.offset, work.zone) if len(leaf[3].strip()) > 9 else None,
}


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
        found = rows.get(text) or rows.get(text.upper())
        if found is None:
            raise Doubt("unknown-code", "not in the code map", system, text)
        if not found.code:  # the code map says that it has no counterpart
            work.dropped.setdefault(leaf[0], f"code-map:{name}={text}")
        return found.code or None

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
        return lambda work, leaf: argument + leaf[3].strip()
    return _CONVERTERS.get(transform or "string")
