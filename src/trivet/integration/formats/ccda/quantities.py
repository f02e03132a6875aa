"""Numbers of HL7 v3: quantities, their ranges and ratios, counts and lengths of time (C-CDA on FHIR guide, Quantity)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from trivet.integration.formats.ccda.made import BadValue, Context, Made, words_of
from trivet.integration.formats.ccda.tree import Leaf, Node
from trivet.kernel.units import is_unit

__all__ = ["age", "bounds", "decimal", "integer", "interval", "minutes", "quantity", "ratio", "repeats"]

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
MINUTES = {"min": 1, "h": 60, "d": 1440, "wk": 10080}
UCUM = "http://unitsofmeasure.org"


def number(leaf: Leaf) -> int | Decimal:
    text = leaf.text.strip()
    if NUMBER.fullmatch(text) is None:
        raise BadValue(leaf, "not a number")
    return Decimal(text.rstrip(".")) if "." in text or "e" in text.lower() else int(text)


def quantity(context: Context, node: Node, argument: str = "") -> Made | None:
    value: dict[str, Any] = {}
    parts: list[tuple[str, Leaf]] = []
    leaf, unit = node.attrs.get("value"), node.attrs.get("unit")
    if leaf is None or not leaf.length:
        return next((made for one in node.all("translation") if (made := _translated(context, one)) is not None), None)
    value["value"] = number(leaf)
    parts.append(("value", leaf))
    if unit is not None and unit.length:
        said = unit.text.strip()
        value |= {"unit": said, "system": UCUM, "code": said} if is_unit(said) else {"unit": said}
        parts.append(("unit", unit))
    return Made(value, tuple(parts), "Quantity")


def _translated(context: Context, node: Node) -> Made | None:
    """A quantity that is only said in a translation: its unit is a text, or a code of any system."""
    made = quantity(context, node) if node.get("value") else None
    words, named = words_of(context, node.first("originalText")), node.attrs.get("displayName") or node.attrs.get("code")
    if made is None or "unit" in made.value or (words is None and (named is None or not named.length)):
        return made
    if words is None:
        assert named is not None
        words = Made(" ".join(named.text.split()), (("", named),))
    value = {**made.value, "unit": words.value}
    if is_unit(words.value):
        value |= {"system": UCUM, "code": words.value}
    return Made(value, (*made.parts, *(("unit", leaf) for _, leaf in words.parts)), "Quantity")


def bounds(context: Context, node: Node, _: str = "") -> Made | None:
    """A Range; with one end only and not for a reference range, a Quantity with a comparator."""
    value, parts = {}, []
    for name in ("low", "high"):
        bound = node.first(name)
        made = quantity(context, bound) if bound is not None else None
        if made is not None:
            value[name] = made.value
            parts += [(f"{name}.{path}", leaf) for path, leaf in made.parts]
    return Made(value, tuple(parts), "Range") if value else None


def interval(context: Context, node: Node, _: str = "") -> Made | None:
    made = bounds(context, node)
    if made is None or len(made.value) == 2:
        return made
    end = next(iter(made.value))
    bound = node.first(end)
    closed = bound is None or bound.get("inclusive") != "false"
    sign = (">" if end == "low" else "<") + ("=" if closed else "")
    return Made({**made.value[end], "comparator": sign}, tuple((path.partition(".")[2], leaf) for path, leaf in made.parts), "Quantity")


def ratio(context: Context, node: Node, _: str = "") -> Made | None:
    value, parts = {}, []
    for name in ("numerator", "denominator"):
        part = node.first(name)
        made = quantity(context, part) if part is not None else None
        if made is not None:
            value[name] = made.value
            parts += [(f"{name}.{path}", leaf) for path, leaf in made.parts]
    return Made(value, tuple(parts), "Ratio") if len(value) == 2 else None


def integer(context: Context, node: Node, _: str) -> Made | None:
    leaf = node.attrs.get("value")
    if leaf is None or not leaf.length:
        return None
    found = number(leaf)
    if isinstance(found, Decimal):
        raise BadValue(leaf, "not a whole number")
    return Made(found, (("", leaf),), "Integer")


def age(context: Context, node: Node, argument: str) -> Made | None:
    made = quantity(context, node)
    return None if made is None else made._replace(suffix="Age")


def minutes(context: Context, node: Node, _: str) -> Made | None:
    """A length of time in whole minutes; what is none is not taken."""
    leaf = node.attrs.get("value")
    if leaf is None or not leaf.length or node.get("unit") not in MINUTES:
        return None
    length = number(leaf) * MINUTES[node.get("unit")]
    if length != int(length):
        raise BadValue(leaf, "not a whole number of minutes")
    for said in (leaf, node.attrs["unit"]):
        context.carry(said, "ccda/in-minutes")
    return Made(int(length))


def repeats(context: Context, node: Node, argument: str) -> Made | None:
    """How often a supply may be repeated: HL7 v3 counts the first one, FHIR does not (C-CDA on FHIR, medications)."""
    made = integer(context, node, argument)
    if made is None or made.value < 0:
        return None
    context.carry(made.parts[0][1], "ccda/repeats-after-the-first")
    return Made(max(0, made.value - 1))


def decimal(context: Context, node: Node, _: str) -> Made | None:
    leaf = node.attrs.get("value")
    return Made(number(leaf), (("", leaf),)) if leaf is not None and leaf.length else None
