"""Operators of FHIRPath 2.0.0, section 6: equality, comparison, logic of three values, collections, arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

from trivet.kernel.fhirpath.context import Context
from trivet.kernel.fhirpath.nodes import Binary
from trivet.kernel.fhirpath.parser import PathError
from trivet.kernel.fhirpath.temporal import Temporal
from trivet.kernel.fhirpath.types import Types
from trivet.kernel.fhirpath.values import CALENDAR, Item, Quantity, Units, system_item

__all__ = ["binary", "compare", "equal", "equivalent", "truth"]

Evaluate = Callable[..., list[Item]]
SCALE = Decimal("0.00000001")


def item_of(value: Any) -> list[Item]:
    """A computed value as a collection; None is empty."""
    return [] if value is None else [system_item(value)]


def truth(items: Sequence[Item], types: Types, at: int) -> bool | None:
    """A collection as a truth value: empty is None, one item that is no boolean is true, several are refused (section 4.5)."""
    if not items:
        return None
    if len(items) > 1:
        raise PathError("a condition is one item", at)
    value = types.system(items[0])
    return value if isinstance(value, bool) else True


def binary(node: Binary, given: Sequence[Item], context: Context, evaluate: Evaluate) -> list[Item]:
    """One binary operator."""
    name, types = node.operator, context.types
    left = evaluate(node.left, given, context)
    if name in ("and", "or", "xor", "implies"):
        return item_of(_logic(name, truth(left, types, node.at), lambda: truth(evaluate(node.right, given, context), types, node.at)))
    right = evaluate(node.right, given, context)
    if name == "|":
        return distinct([*left, *right], context)
    if name in ("=", "!="):
        same = equal(left, right, context)
        return item_of(same if same is None or name == "=" else not same)
    if name in ("~", "!~"):
        return item_of(equivalent(left, right, context) == (name == "~"))
    if name in ("in", "contains"):
        one, many = (left, right) if name == "in" else (right, left)
        if not one:
            return []
        if len(one) > 1:
            raise PathError(f"{name} looks for one item", node.at)
        return item_of(any(equal(one, [other], context) is True for other in many))
    if name == "&":
        return item_of("".join(_text(side, types, node.at) for side in (left, right)))
    if not left or not right:
        return []
    if len(left) > 1 or len(right) > 1:
        raise PathError(f"{name} takes one item on each side", node.at)
    one, other = types.system(left[0]), types.system(right[0])
    if name in ("<", ">", "<=", ">="):
        order = compare(one, other, context.convert, node.at)
        return item_of(None if order is None else {"<": order < 0, ">": order > 0, "<=": order <= 0, ">=": order >= 0}[name])
    return item_of(_arithmetic(name, one, other, node.at, context.convert))


def _logic(name: str, left: bool | None, right: Callable[[], bool | None]) -> bool | None:
    """Three-valued logic (6.5)."""
    if name == "and" and left is False:
        return False
    if name == "or" and left is True:
        return True
    if name == "implies" and left is False:
        return True
    other = right()
    if name == "and":
        return False if other is False else True if left and other else None
    if name == "or":
        return True if other is True else False if left is False and other is False else None
    if name == "xor":
        return None if left is None or other is None else left != other
    return True if other is True else None if left is None or other is None else other


def _text(items: Sequence[Item], types: Types, at: int) -> str:
    if not items:
        return ""
    value = types.system(items[0])
    if len(items) > 1 or not isinstance(value, str):
        raise PathError("& joins two texts", at)
    return value


def quantities(left: Any, right: Any, convert: Units | None) -> tuple[Decimal, Decimal] | None:
    """Two quantities on one scale; None when they are not of one kind."""
    one = left if isinstance(left, Quantity) else Quantity(Decimal(left), "1")
    other = right if isinstance(right, Quantity) else Quantity(Decimal(right), "1")
    if one.ucum != other.ucum and {one.code, other.code} & {"a", "mo"}:
        return None  # a calendar month is no fixed number of days, a UCUM month is
    if one.code == other.code:
        return one.value, other.value
    moved = convert(other.value, other.code, one.code) if convert else None
    return None if moved is None else (one.value, moved)


def equal(left: Sequence[Item], right: Sequence[Item], context: Context) -> bool | None:
    """Equality of collections (6.1.1): None when one side is empty or precision leaves it open."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    answer: bool | None = True
    for one, other in zip(left, right, strict=True):
        same = equal_items(one, other, context)
        if same is False:
            return False
        answer = None if same is None else answer
    return answer


def equal_items(one: Item, other: Item, context: Context) -> bool | None:
    """Equality of two items."""
    left, right = context.types.system(one), context.types.system(other)
    if isinstance(left, Temporal) != isinstance(right, Temporal):
        left, right = promoted(left, right)
    if isinstance(left, Temporal) and isinstance(right, Temporal):
        if (left.kind == "Time") != (right.kind == "Time"):
            return False
        return None if (order := left.compare(right)) is None else order == 0
    if (isinstance(left, Quantity) and isinstance(right, (Quantity, int, Decimal))) or (
        isinstance(right, Quantity) and isinstance(left, (int, Decimal))
    ):
        pair = quantities(left, right, context.convert)
        if pair is None:
            mixed = isinstance(left, Quantity) and isinstance(right, Quantity) and left.ucum != right.ucum
            return None if mixed else False
        return pair[0] == pair[1]
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, Decimal)) and isinstance(right, (int, Decimal)):
        return Decimal(left) == Decimal(right)
    return bool(left == right)


def promoted(left: Any, right: Any) -> tuple[Any, Any]:
    """A FHIR text beside a moment is read as a moment when it is one."""
    if isinstance(left, str) and isinstance(right, Temporal):
        return Temporal.read(left, "DateTime" if right.kind == "Date" else right.kind) or left, right
    if isinstance(right, str) and isinstance(left, Temporal):
        return left, Temporal.read(right, "DateTime" if left.kind == "Date" else left.kind) or right
    return left, right


def equivalent(left: Sequence[Item], right: Sequence[Item], context: Context) -> bool:
    """Equivalence of collections (6.1.2): order does not matter, empty is equivalent to empty."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for one in left:
        found = next(
            (n for n, other in enumerate(rest) if equivalent_values(context.types.system(one), context.types.system(other), context)), None
        )
        if found is None:
            return False
        rest.pop(found)
    return True


def equivalent_values(left: Any, right: Any, context: Context) -> bool:
    """Equivalence of two values: texts by their words, decimals at the lesser precision."""
    if isinstance(left, str) and isinstance(right, str):
        return " ".join(left.split()).casefold() == " ".join(right.split()).casefold()
    if isinstance(left, Temporal) and isinstance(right, Temporal):
        return left.same(right)
    if isinstance(left, Quantity) and isinstance(right, Quantity):
        pair = quantities(left, right, context.convert)
        return pair is not None and equivalent_values(pair[0], pair[1], context)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, Decimal)) and isinstance(right, (int, Decimal)):
        one, other = Decimal(left), Decimal(right)
        places = min(max(0, -int(one.as_tuple().exponent)), max(0, -int(other.as_tuple().exponent)))
        step = Decimal(1).scaleb(-places)
        return one.quantize(step, ROUND_HALF_UP) == other.quantize(step, ROUND_HALF_UP)
    if isinstance(left, dict) and isinstance(right, dict):
        if set(left) - {"id"} != set(right) - {"id"}:
            return False
        return all(equivalent_values(left[name], right[name], context) for name in left if name != "id")
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(any(equivalent_values(one, other, context) for other in right) for one in left)
    return bool(left == right)


def compare(left: Any, right: Any, convert: Units | None, at: int) -> int | None:
    """-1, 0, 1; None when precision or units leave it open; refused for two kinds that have no order (6.2)."""
    left, right = promoted(left, right)
    if isinstance(left, Temporal) and isinstance(right, Temporal):
        if (left.kind == "Time") != (right.kind == "Time"):
            raise PathError("a time and a date have no order", at)
        return left.compare(right)
    if isinstance(left, Quantity) or isinstance(right, Quantity):
        if not all(isinstance(side, (Quantity, int, Decimal)) for side in (left, right)):
            raise PathError("a quantity compares with a quantity", at)
        pair = quantities(left, right, convert)
        if pair is None:
            return None
        left, right = pair
    numbers = all(isinstance(side, (int, Decimal)) and not isinstance(side, bool) for side in (left, right))
    if not numbers and not (isinstance(left, str) and isinstance(right, str)):
        raise PathError(f"no order between {type(left).__name__} and {type(right).__name__}", at)
    return int(left > right) - int(left < right)


def _arithmetic(name: str, left: Any, right: Any, at: int, convert: Units | None) -> Any:
    if name == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, Temporal) and isinstance(right, Quantity) and name in "+-":
        unit = next((word for word, code in CALENDAR.items() if right.unit in ((code, word) if right.ucum else (word,))), "")
        if not unit or (right.unit in ("a", "mo")):
            raise PathError(f"no calendar unit {right.unit}", at)
        try:
            return left.plus(right.value if name == "+" else -right.value, unit)
        except (ValueError, OverflowError):
            return None
    if isinstance(left, Quantity) or isinstance(right, Quantity):
        return _quantity_arithmetic(name, left, right, at, convert)
    if any(isinstance(side, bool) or not isinstance(side, (int, Decimal)) for side in (left, right)):
        raise PathError(f"{name} takes two numbers", at)
    if name in "+-*":
        return {"+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right}[name]()
    if right == 0:
        return None
    with localcontext() as numbers:
        numbers.prec = 38
        if name == "/":
            return _tidy(Decimal(left) / Decimal(right))
        whole = int(Decimal(left) / Decimal(right))
        if name == "div":
            return whole
        rest = Decimal(left) - Decimal(whole) * Decimal(right)
    return int(rest) if isinstance(left, int) and isinstance(right, int) else rest


def _tidy(value: Decimal) -> Decimal:
    """A quotient to eight places, without the zeros at its end that division alone decides on."""
    try:
        value = value if -int(value.as_tuple().exponent) <= 8 else value.quantize(SCALE, ROUND_HALF_UP)
    except InvalidOperation:
        return value
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def _quantity_arithmetic(name: str, left: Any, right: Any, at: int, convert: Units | None) -> Any:
    one = left if isinstance(left, Quantity) else Quantity(Decimal(left), "1")
    other = right if isinstance(right, Quantity) else Quantity(Decimal(right), "1")
    if name in "+-":
        pair = quantities(one, other, convert)
        if pair is None:
            return None
        return Quantity(pair[0] + pair[1] if name == "+" else pair[0] - pair[1], one.unit, one.ucum)
    if name == "*":
        unit = one.code if other.code == "1" else other.code if one.code == "1" else f"{one.code}.{other.code}"
        return Quantity(one.value * other.value, unit)
    if name == "/":
        if other.value == 0:
            return None
        pair = quantities(one, other, convert)
        if pair is not None:
            return Quantity(_tidy(pair[0] / pair[1]), "1")
        return Quantity(_tidy(one.value / other.value), one.code if other.code == "1" else f"{one.code}/{other.code}")
    raise PathError(f"{name} is not for quantities", at)


def distinct(items: Sequence[Item], context: Context) -> list[Item]:
    """Items without repeats, by equality, in order."""
    out: list[Item] = []
    for item in items:
        if not any(equal_items(item, other, context) is True for other in out):
            out.append(item)
    return out
