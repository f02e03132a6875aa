"""Equality, order and arithmetic in plans (FHIRPath 2.0.0, sections 6.1, 6.2, 6.6), by the kinds of the two sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet.data.sof.plan import Const, Each, Expr, Op, Var
from trivet.data.sof.values import EMPTY, NotCompiled, Value, computed
from trivet.kernel.fhirpath.temporal import Temporal, written

if TYPE_CHECKING:
    from trivet.data.sof.values import Maker

__all__ = ["arithmetic", "compare", "equality", "membership"]

NUMBERS = ("int", "decimal")


def scalar(name: str, left: Value, right: Value) -> Expr:
    """One comparison of two single values: `=`, `<`, `>`, `<=`, `>=`."""
    kinds = {left.kind, right.kind}
    if not left.type or not right.type:
        return Op("unknown", ())
    if kinds <= set(NUMBERS):
        exact = kinds == {"int"}
        return Op(name, tuple(side.expr if exact else number(side) for side in (left, right)))
    if kinds == {"moment"} or kinds == {"moment", "text"}:
        return moments(name, left, right)
    if len(kinds) == 1 and kinds <= {"text", "bool"} and (name == "=" or kinds == {"text"}):
        return Op(name, (left.expr, right.expr))
    if "complex" in kinds:
        raise NotCompiled(f"{name} of complex elements: compare what is inside")
    if name != "=":
        raise NotCompiled(f"no order between {left.type} and {right.type}")
    return Op("when", (Op("both", (left.expr, right.expr)), Const(False)))


def number(side: Value) -> Expr:
    """A numeric side as an exact number."""
    return Op("number", (side.expr if side.kind == "decimal" else Op("digits", (side.expr,)),))


def moments(name: str, left: Value, right: Value) -> Expr:
    """Two moments: at the precision both have; NULL where precision or a missing zone leaves it open."""
    left, right = promoted(left, right), promoted(right, left)
    times = [side.type == "System.Time" for side in (left, right)]
    if len(set(times)) > 1:
        if name == "=":
            return Op("when", (Op("both", (left.expr, right.expr)), Const(False)))
        raise NotCompiled("a time and a date have no order")
    kind = "time" if times[0] else "moment"
    return Op("moments", (key(left, kind), key(right, kind), zoned(left, kind), zoned(right, kind)), (name,))


def promoted(side: Value, other: Value) -> Value:
    """A constant text beside a moment, read as a moment. A text of the data may be anything, so nothing is promised for it."""
    if side.kind == "moment":
        return side
    wanted = "Time" if other.type == "System.Time" else "DateTime"
    held = side.expr.value if isinstance(side.expr, Const) else None
    if not isinstance(held, str) or Temporal.read(held, wanted) is None:
        raise NotCompiled("a text beside a moment")
    return computed(Const(held), wanted)


def key(side: Value, kind: str) -> Expr:
    """A moment as text in UTC that sorts, as far as it is known; seconds always with their thousandths."""
    held = side.expr.value if isinstance(side.expr, Const) else None
    if isinstance(held, str):
        found = Temporal.read(held, side.type.removeprefix("System."))
        if found is None:
            raise NotCompiled("a constant that is no moment")
        parts = found.moved()
        parts = (*parts, 0) if len(parts) == (3 if kind == "time" else 6) else parts
        return Const(written(found.kind, parts, None).removesuffix("T"))
    return Op(f"{kind}_key", (side.expr,))


def zoned(side: Value, kind: str) -> Expr:
    """Does a moment carry a zone? NULL when it has no hour, so that it needs none."""
    return Op("zoned", (side.expr,)) if kind == "moment" else Const(True)


def equality(maker: Maker, name: str, left: Value, right: Value) -> Expr:
    """`=`, `!=`; `~` and `!~` where they mean the same for these kinds."""
    if name in ("~", "!~"):
        raise NotCompiled(f"no SQL for {name}")
    if not left.type or not right.type:
        return Op("unknown", ())
    if left.many and right.many:
        raise NotCompiled("= of two lists")
    if not left.many and not right.many:
        same = scalar("=", left, right)
    else:
        many, one = (left, right) if left.many else (right, left)
        first = Value(Op("first", (many.expr,)), many.type)
        same = Op(
            "choose",
            (
                Op("all", (Op("filled", (many.expr,)), Op("some", (one.expr,)))),
                Op("choose", (Op("=", (Op("count", (many.expr,)), Const(1))), scalar("=", first, one), Const(False))),
                Op("unknown", ()),
            ),
        )
    return Op("not", (same,)) if name == "!=" else same


def membership(maker: Maker, one: Value, many: Value) -> Expr:
    """`one in many`: empty when there is no one."""
    if not one.type:
        return Op("unknown", ())
    if not many.type:
        return Op("when", (Op("some", (one.expr,)), Const(False)))
    var = maker.name("x")
    hits = Each("filter", maker.listed(many), var, scalar("=", Value(Var(var), many.type), one))
    return Op("when", (Op("some", (one.expr,)), Op("filled", (hits,))))


def compare(name: str, left: Value, right: Value) -> Expr:
    """`<`, `>`, `<=`, `>=` of two single values."""
    return scalar(name, left, right)


def arithmetic(name: str, left: Value, right: Value) -> Value:
    """`+ - * /` of numbers, exactly; `+` of texts."""
    kinds = {left.kind, right.kind}
    if name == "+" and kinds == {"text"}:
        return computed(Op("concat", (left.expr, right.expr)), "String")
    if not kinds <= set(NUMBERS) or name not in "+-*/":
        raise NotCompiled(f"no SQL for {left.type or 'nothing'} {name} {right.type or 'nothing'}")
    if kinds == {"int"} and name != "/":
        return computed(Op(name, (left.expr, right.expr)), "Integer")
    sides = tuple(side.expr if side.kind == "decimal" else Op("digits", (side.expr,)) for side in (left, right))
    names = {"+": "plus", "-": "minus", "*": "times", "/": "over"}
    return computed(Op(names[name], sides), "Decimal") if left.type and right.type else EMPTY
