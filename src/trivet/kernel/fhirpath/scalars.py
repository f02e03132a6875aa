"""Functions of single values: text (FHIRPath 2.0.0, section 5.6), numbers (5.7), boundaries and precision, as `functions` enters them."""

from __future__ import annotations

import base64
import binascii
import html
import math
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any
from urllib.parse import quote, unquote

from trivet.kernel.fhirpath.context import Context
from trivet.kernel.fhirpath.enter import argument, function, of, one, text_of
from trivet.kernel.fhirpath.nodes import Call
from trivet.kernel.fhirpath.parser import PathError
from trivet.kernel.fhirpath.temporal import Temporal
from trivet.kernel.fhirpath.values import Item, Quantity, system_item

__all__: list[str] = []


# -- text (5.6)


def words(name: str, made: Callable[..., Any], least: int = 1, most: int | None = None) -> None:
    """Enter a function of a text and plain arguments: empty in, empty out."""

    @function(name, least=least, most=most)
    def _run(node: Call, items: list[Item], context: Context) -> list[Item]:
        value = text_of(node, items, context)
        given = [argument(node, n, context, items) for n in range(len(node.arguments))]
        if value is None or any(one_ is None for one_ in given):
            return []
        try:
            return of(made(value, *given))
        except (TypeError, re.error) as error:
            raise PathError(f"{name}() takes other arguments: {type(error).__name__}", node.at) from None


def substring(text: str, start: int, length: int | None = None) -> str | None:
    """Part of a text; None when it starts outside."""
    if not 0 <= start < len(text):
        return None
    return text[start:] if length is None else text[start : start + max(length, 0)]


def pattern(text: str) -> re.Pattern[str]:
    """A regular expression as FHIRPath means it: Unicode, `.` meets line ends; look-behind and back references stay Python's."""
    return re.compile(text, re.S)


words("indexOf", lambda text, part: text.find(part))
words("lastIndexOf", lambda text, part: text.rfind(part))
words("substring", substring, 1, 2)
words("startsWith", lambda text, part: text.startswith(part))
words("endsWith", lambda text, part: text.endswith(part))
words("contains", lambda text, part: part in text)
words("upper", lambda text: text.upper(), 0)
words("lower", lambda text: text.lower(), 0)
words("replace", lambda text, old, new: text.replace(old, new), 2)
words("matches", lambda text, expression: pattern(expression).search(text) is not None)
words("matchesFull", lambda text, expression: pattern(expression).fullmatch(text) is not None)
words(
    "replaceMatches",
    lambda text, expression, new: pattern(expression).sub(re.sub(r"\$(\d+|\{\w+\})", _group, new), text) if expression else text,
    2,
)
words("length", len, 0)
words("trim", lambda text: text.strip(), 0)


def _group(match: re.Match[str]) -> str:
    return rf"\g<{match.group(1).strip('{}')}>"


@function("toChars")
def _chars(node: Call, items: list[Item], context: Context) -> list[Item]:
    return [system_item(character) for character in text_of(node, items, context) or ""]


@function("split", least=1)
def _split(node: Call, items: list[Item], context: Context) -> list[Item]:
    value, mark = text_of(node, items, context), argument(node, 0, context, items)
    return [] if value is None or mark is None else [system_item(part) for part in (value.split(mark) if mark else list(value))]


@function("join", most=1)
def _join_text(node: Call, items: list[Item], context: Context) -> list[Item]:
    mark = argument(node, 0, context, items) if node.arguments else ""
    values = [context.types.system(item) for item in items]
    if not all(isinstance(value, (str, Temporal)) for value in values):
        raise PathError("join() works on text", node.at)
    parts = [value.text if isinstance(value, Temporal) else value for value in values]
    return of((mark or "").join(parts))


@function("encode", "decode", least=1)
def _code(node: Call, items: list[Item], context: Context) -> list[Item]:
    value, way = text_of(node, items, context), argument(node, 0, context, items)
    if value is None or way is None:
        return []
    try:
        if node.name == "encode":
            data = value.encode()
            out: dict[str, Callable[[bytes], bytes]] = {
                "hex": binascii.hexlify,
                "base64": base64.b64encode,
                "urlbase64": base64.urlsafe_b64encode,
            }
            return of(out[way](data).decode())
        ways: dict[str, Callable[[str], bytes]] = {"hex": bytes.fromhex, "base64": base64.b64decode, "urlbase64": base64.urlsafe_b64decode}
        return of(ways[way](value).decode())
    except (KeyError, ValueError, binascii.Error):
        return []


@function("escape", "unescape", least=1)
def _escape(node: Call, items: list[Item], context: Context) -> list[Item]:
    value, way = text_of(node, items, context), argument(node, 0, context, items)
    if value is None or way not in ("html", "json"):
        return []
    if way == "html":
        return of(html.escape(value) if node.name == "escape" else html.unescape(value))
    if node.name == "escape":
        return of(value.replace("\\", "\\\\").replace('"', '\\"'))
    return of(re.sub(r"\\(.)", r"\1", value))


words("urlEncode", quote, 0)
words("urlDecode", unquote, 0)


# -- numbers (5.7)


def number(name: str, made: Callable[..., Any], least: int = 0, most: int | None = None) -> None:
    """Enter a function of a number; None and what mathematics refuses come out empty."""

    @function(name, least=least, most=most)
    def _run(node: Call, items: list[Item], context: Context) -> list[Item]:
        value = one(node, items, context)
        given = [argument(node, n, context, items) for n in range(len(node.arguments))]
        if value is None or any(one_ is None for one_ in given):
            return []
        if isinstance(value, bool) or not isinstance(value, (int, Decimal, Quantity)):
            raise PathError(f"{name}() works on numbers", node.at)
        try:
            if isinstance(value, Quantity):
                return of(replace(value, value=made(value.value, *given)))
            with localcontext() as numbers:
                numbers.prec = 30
                return of(made(value, *given))
        except (ValueError, InvalidOperation, OverflowError, ZeroDivisionError):
            return []


def real(value: float) -> Decimal:
    """A computed binary number as the decimal it prints as."""
    if not math.isfinite(value):
        raise ValueError("not a number")
    return Decimal(repr(value))


def power(base: int | Decimal, exponent: int | Decimal) -> int | Decimal:
    """Base to the exponent; whole when both are and the exponent is not negative."""
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        return int(base**exponent)
    found = float(base) ** float(exponent)
    if isinstance(found, complex):
        raise ValueError("not a real number")
    return real(found)


def rounded(value: int | Decimal, places: int = 0) -> Decimal:
    """Half away from zero, to so many places."""
    if places < 0:
        raise ValueError("places")
    return Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


number("abs", abs)
number("ceiling", lambda value: int(Decimal(value).to_integral_value(ROUND_CEILING)))
number("floor", lambda value: int(Decimal(value).to_integral_value(ROUND_FLOOR)))
number("truncate", int)
number("exp", lambda value: real(math.exp(value)))
number("ln", lambda value: real(math.log(value)))
number("log", lambda value, base: real(math.log(value, base)), 1)
number("sqrt", lambda value: real(math.sqrt(value)))
number("power", power, 1)
number("round", rounded, 0, 1)


# -- boundaries and precision


def edges(value: Decimal, digits: int | None, *, high: bool) -> Decimal | None:
    """The least or greatest number that rounds to this one, to so many digits (8 unless said)."""
    wanted = 8 if digits is None else digits
    if not 0 <= wanted <= 28:
        return None
    have = max(0, -int(value.as_tuple().exponent))
    half = Decimal("0.5").scaleb(-have)
    moved = value + half if high else value - half
    if wanted < have + 1:
        way = ROUND_CEILING if high else ROUND_FLOOR
        return (moved if wanted <= have else value).quantize(Decimal(1).scaleb(-wanted), way)
    return moved.quantize(Decimal(1).scaleb(-wanted), ROUND_HALF_UP)


@function("lowBoundary", "highBoundary", most=1)
def _boundary(node: Call, items: list[Item], context: Context) -> list[Item]:
    value, digits = one(node, items, context), argument(node, 0, context, items)
    high = node.name == "highBoundary"
    if isinstance(value, Temporal):
        return of(value.bound(digits, high=high))
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return of(edges(Decimal(value), digits, high=high))
    if isinstance(value, Quantity):
        edge = edges(value.value, digits, high=high)
        return [] if edge is None else of(replace(value, value=edge))
    return []


@function("precision")
def _precision(node: Call, items: list[Item], context: Context) -> list[Item]:
    value = one(node, items, context)
    if isinstance(value, Temporal):
        return of(value.precision())
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return of(max(0, -int(Decimal(value).as_tuple().exponent)))
    return []


@function("comparable", least=1)
def _comparable(node: Call, items: list[Item], context: Context) -> list[Item]:
    left, right = one(node, items, context), argument(node, 0, context, items)
    if not isinstance(left, Quantity) or not isinstance(right, Quantity):
        return []
    return of(left.code == right.code or bool(context.convert and context.convert(right.value, right.code, left.code) is not None))
