"""Functions of FHIRPath 2.0.0 (section 5) and of FHIR R4 (extension, hasValue, resolve keys, boundaries).

A function is looked up by name in `FUNCTIONS`; its arguments are syntax trees, because some of them are conditions that run
once for each item. An unknown name is refused.
"""

from __future__ import annotations

import base64
import binascii
import html
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any
from urllib.parse import quote, unquote

from trivet.kernel.fhirpath.convert import CONVERSIONS
from trivet.kernel.fhirpath.evaluate import Context, evaluate, is_type, system_item
from trivet.kernel.fhirpath.nodes import Call, Member, Node
from trivet.kernel.fhirpath.operators import distinct, equal_items, truth
from trivet.kernel.fhirpath.parser import PathError
from trivet.kernel.fhirpath.temporal import Temporal
from trivet.kernel.fhirpath.values import Item, Quantity

__all__ = ["FUNCTIONS", "call"]

Function = Callable[[Call, list[Item], Context], list[Item]]
FUNCTIONS: dict[str, Function] = {}
LIMIT = 100_000  # items that repeat() may gather before it is called endless


def function(*names: str, least: int = 0, most: int | None = None) -> Callable[[Function], Function]:
    """Enter a function under its names, with the number of arguments it takes."""

    def enter(made: Function) -> Function:
        def checked(node: Call, items: list[Item], context: Context) -> list[Item]:
            if not least <= len(node.arguments) <= (least if most is None else most):
                raise PathError(f"{node.name}() takes other arguments", node.at)
            return made(node, items, context)

        for name in names:
            FUNCTIONS[name] = checked
        return made

    return enter


def call(node: Call, items: list[Item], context: Context) -> list[Item]:
    """Run a function over a collection. Refused: a name that is no function."""
    found = FUNCTIONS.get(node.name)
    if found is None:
        raise PathError(f"there is no function {node.name}()", node.at)
    return found(node, items, context)


def of(value: Any) -> list[Item]:
    """A computed value as a collection."""
    return [] if value is None else [system_item(value)]


def each(node: Node, items: Sequence[Item], context: Context) -> list[tuple[Item, list[Item]]]:
    """An argument evaluated once for each item, with $this and $index."""
    return [(item, evaluate(node, [item], replace(context, this=(item,), index=n))) for n, item in enumerate(items)]


def argument(node: Call, number: int, context: Context, given: Sequence[Item] = ()) -> Any:
    """The system value of a plain argument; None when it is empty. Refused: several items."""
    if number >= len(node.arguments):
        return None
    found = evaluate(node.arguments[number], list(context.this or given), context)
    if len(found) > 1:
        raise PathError(f"{node.name}() takes one value", node.at)
    return context.types.system(found[0]) if found else None


def one(node: Call, items: Sequence[Item], context: Context) -> Any:
    """The system value of the input; None when empty. Refused: several items."""
    if len(items) > 1:
        raise PathError(f"{node.name}() takes one item", node.at)
    return context.types.system(items[0]) if items else None


def text_of(node: Call, items: Sequence[Item], context: Context) -> str | None:
    """The input as text; None when empty. Refused: what is no text."""
    value = one(node, items, context)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Temporal):
        return value.text
    raise PathError(f"{node.name}() works on text", node.at)


def type_argument(node: Call) -> str:
    """`System.String` out of an argument that is a type name."""
    names: list[str] = []
    tree: Node | None = node.arguments[0]
    while isinstance(tree, Member):
        names.insert(0, tree.name)
        tree = tree.on
    if tree is not None or not names:
        raise PathError(f"{node.name}() takes the name of a type", node.at)
    return ".".join(names)


# -- existence (5.1)


@function("empty")
def _empty(node: Call, items: list[Item], context: Context) -> list[Item]:
    return of(not items)


@function("exists", most=1)
def _exists(node: Call, items: list[Item], context: Context) -> list[Item]:
    return of(bool(_where(node, items, context) if node.arguments else items))


@function("all", least=1)
def _all(node: Call, items: list[Item], context: Context) -> list[Item]:
    return of(all(truth(found, context.types, node.at) is True for _, found in each(node.arguments[0], items, context)))


def booleans(node: Call, items: list[Item], context: Context) -> list[bool]:
    """The input as truth values. Refused: anything else."""
    values = [context.types.system(item) for item in items]
    if not all(isinstance(value, bool) for value in values):
        raise PathError(f"{node.name}() works on truth values", node.at)
    return values


for _name, _made in {"allTrue": all, "anyTrue": any}.items():
    FUNCTIONS[_name] = lambda node, items, context, made=_made: of(made(booleans(node, items, context)))  # type: ignore[misc]
FUNCTIONS["allFalse"] = lambda node, items, context: of(not any(booleans(node, items, context)))
FUNCTIONS["anyFalse"] = lambda node, items, context: of(not all(booleans(node, items, context)))


@function("subsetOf", "supersetOf", least=1)
def _subset(node: Call, items: list[Item], context: Context) -> list[Item]:
    other = evaluate(node.arguments[0], list(context.this) or items, context)
    small, large = (items, other) if node.name == "subsetOf" else (other, items)
    return of(all(any(equal_items(item, held, context) is True for held in large) for item in small))


@function("count")
def _count(node: Call, items: list[Item], context: Context) -> list[Item]:
    return of(len(items))


@function("distinct")
def _distinct(node: Call, items: list[Item], context: Context) -> list[Item]:
    return distinct(items, context)


@function("isDistinct")
def _is_distinct(node: Call, items: list[Item], context: Context) -> list[Item]:
    return of(len(distinct(items, context)) == len(items))


@function("not")
def _not(node: Call, items: list[Item], context: Context) -> list[Item]:
    value = truth(items, context.types, node.at)
    return of(None if value is None else not value)


# -- filtering and projection (5.2)


@function("where", least=1)
def _where(node: Call, items: list[Item], context: Context) -> list[Item]:
    return [item for item, found in each(node.arguments[0], items, context) if truth(found, context.types, node.at) is True]


@function("select", least=1)
def _select(node: Call, items: list[Item], context: Context) -> list[Item]:
    return [inner for _, found in each(node.arguments[0], items, context) for inner in found]


@function("repeat", least=1)
def _repeat(node: Call, items: list[Item], context: Context) -> list[Item]:
    out: list[Item] = []
    fresh = list(items)
    while fresh:
        found = [inner for _, some in each(node.arguments[0], fresh, context) for inner in some]
        fresh = []
        for item in found:
            if not any(item.value is held.value or equal_items(item, held, context) is True for held in out):
                out.append(item)
                fresh.append(item)
        if len(out) > LIMIT:
            raise PathError("repeat() finds no end", node.at)
    return out


@function("ofType", "as", least=1)
def _of_type(node: Call, items: list[Item], context: Context) -> list[Item]:
    name = type_argument(node)
    if node.name == "as" and len(items) > 1:
        raise PathError("as() takes one item", node.at)
    found = [item for item in items if is_type(item, name, context, node.at, exactly=True)]
    if not items:
        is_type(Item("", "System.String"), name, context, node.at)
    return found


@function("is", least=1)
def _is(node: Call, items: list[Item], context: Context) -> list[Item]:
    if len(items) > 1:
        raise PathError("is() takes one item", node.at)
    return of(is_type(items[0], type_argument(node), context, node.at)) if items else []


# -- subsetting (5.3)


@function("single")
def _single(node: Call, items: list[Item], context: Context) -> list[Item]:
    if len(items) > 1:
        raise PathError("single() found several items", node.at)
    return items


@function("first", "last", "tail")
def _ends(node: Call, items: list[Item], context: Context) -> list[Item]:
    return items[1:] if node.name == "tail" else items[:1] if node.name == "first" else items[-1:]


@function("skip", "take", least=1)
def _cut(node: Call, items: list[Item], context: Context) -> list[Item]:
    number = argument(node, 0, context, items)
    if not isinstance(number, int) or isinstance(number, bool):
        raise PathError(f"{node.name}() takes a whole number", node.at)
    number = max(number, 0)
    return items[number:] if node.name == "skip" else items[:number]


@function("intersect", "exclude", least=1)
def _sets(node: Call, items: list[Item], context: Context) -> list[Item]:
    other = evaluate(node.arguments[0], list(context.this) or items, context)
    held = [item for item in items if any(equal_items(item, one_, context) is True for one_ in other) == (node.name == "intersect")]
    return distinct(held, context) if node.name == "intersect" else held


@function("union", "combine", least=1, most=2)
def _join(node: Call, items: list[Item], context: Context) -> list[Item]:
    both = [*items, *evaluate(node.arguments[0], list(context.this) or items, context)]
    return distinct(both, context) if node.name == "union" else both


# -- control, trees, aggregates


@function("iif", least=2, most=3)
def _iif(node: Call, items: list[Item], context: Context) -> list[Item]:
    if len(items) > 1:
        raise PathError("iif() takes one item", node.at)
    inner = replace(context, this=tuple(items)) if items else context
    condition = evaluate(node.arguments[0], items, inner)
    if condition and not isinstance(context.types.system(condition[0]), bool):
        raise PathError("the condition of iif() is a truth value", node.at)
    if truth(condition, context.types, node.at) is True:
        return evaluate(node.arguments[1], items, inner)
    return evaluate(node.arguments[2], items, inner) if len(node.arguments) > 2 else []


@function("children")
def _children(node: Call, items: list[Item], context: Context) -> list[Item]:
    return [child for item in items for child in context.types.children(item)]


@function("descendants")
def _descendants(node: Call, items: list[Item], context: Context) -> list[Item]:
    out: list[Item] = []
    fresh = items
    while fresh:
        fresh = _children(node, fresh, context)
        out += fresh
    return out


@function("aggregate", least=1, most=2)
def _aggregate(node: Call, items: list[Item], context: Context) -> list[Item]:
    total = evaluate(node.arguments[1], items, context) if len(node.arguments) > 1 else []
    for n, item in enumerate(items):
        total = evaluate(node.arguments[0], [item], replace(context, this=(item,), index=n, total=tuple(total)))
    return total


@function("trace", least=1, most=2)
def _trace(node: Call, items: list[Item], context: Context) -> list[Item]:
    return items  # where values would go, patients' values would go too


@function("now", "today", "timeOfDay")
def _now(node: Call, items: list[Item], context: Context) -> list[Item]:
    if not context.now:
        raise PathError(f"{node.name}() has no clock here", node.at)
    day, _, time = context.now.replace("Z", "+00:00").partition("T")
    if node.name == "today":
        return of(Temporal.read(day))
    if node.name == "timeOfDay":
        return of(Temporal.read("T" + time[:12]))
    return of(Temporal.read(f"{day}T{time[:12]}{time[-6:]}" if len(time) > 12 else context.now))


@function("type")
def _type(node: Call, items: list[Item], context: Context) -> list[Item]:
    out = []
    for item in items:
        space, name = item.type.split(".", 1)
        out.append(Item({"namespace": space, "name": name.rpartition(".")[2] if space == "System" else name}, "System.ClassInfo"))
    return out


@function("defineVariable", least=1, most=2)
def _define(node: Call, items: list[Item], context: Context) -> list[Item]:
    raise PathError("defineVariable() is not offered", node.at)


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


# -- FHIR


@function("extension", least=1)
def _extension(node: Call, items: list[Item], context: Context) -> list[Item]:
    url = argument(node, 0, context, items)
    found = [inner for item in items for inner in context.types.get(item, "extension")]
    return [item for item in found if isinstance(item.value, dict) and item.value.get("url") == url]


@function("hasValue")
def _has_value(node: Call, items: list[Item], context: Context) -> list[Item]:
    return of(len(items) == 1 and items[0].value is not None and not isinstance(items[0].value, (dict, list)))


@function("getValue")
def _get_value(node: Call, items: list[Item], context: Context) -> list[Item]:
    value = one(node, items, context)
    return [] if value is None or isinstance(value, dict) else of(value)


@function("resolve")
def _resolve(node: Call, items: list[Item], context: Context) -> list[Item]:
    out = []
    for item in items:
        target = item.value.get("reference", "") if isinstance(item.value, dict) else str(item.value)
        for root in context.root:
            held = root.value.get("contained", []) if isinstance(root.value, dict) else []
            out += [context.types.item("", inner) for inner in held if target == "#" + str(inner.get("id", ""))]
    return out


@function("conformsTo", least=1)
def _conforms(node: Call, items: list[Item], context: Context) -> list[Item]:
    url = argument(node, 0, context, items)
    base = "http://hl7.org/fhir/StructureDefinition/"
    if not isinstance(url, str) or not url.startswith(base) or not context.types.known(url.removeprefix(base)):
        raise PathError(f"no definition of {url}", node.at)
    return of(len(items) == 1 and context.types.is_a(items[0].type.removeprefix("FHIR."), url.removeprefix(base)))


@function("getResourceKey")
def _resource_key(node: Call, items: list[Item], context: Context) -> list[Item]:
    return [
        system_item(f"{item.value['resourceType']}/{item.value['id']}")
        for item in items
        if isinstance(item.value, dict) and "id" in item.value
    ]


@function("getReferenceKey", most=1)
def _reference_key(node: Call, items: list[Item], context: Context) -> list[Item]:
    wanted = type_argument(node).removeprefix("FHIR.") if node.arguments else ""
    out = []
    for item in items:
        parts = str(item.value.get("reference", "")).split("/") if isinstance(item.value, dict) else []
        if len(parts) >= 2 and (not wanted or parts[-2] == wanted):
            out.append(system_item(f"{parts[-2]}/{parts[-1]}"))
    return out


@function("sort", most=9)
def _sort(node: Call, items: list[Item], context: Context) -> list[Item]:
    from trivet.kernel.fhirpath.order import sorted_items

    return sorted_items(node, items, context)


for _name, _conversion in CONVERSIONS.items():

    def _to(node: Call, items: list[Item], context: Context, made: Callable[..., Any] = _conversion) -> list[Item]:
        value = one(node, items, context)
        return [] if value is None else of(made(value, argument(node, 0, context, items)))

    def _converts(node: Call, items: list[Item], context: Context, made: Callable[..., Any] = _conversion) -> list[Item]:
        value = one(node, items, context)
        return [] if value is None else of(made(value, argument(node, 0, context, items)) is not None)

    function("to" + _name, most=1)(_to)
    function("convertsTo" + _name, most=1)(_converts)
