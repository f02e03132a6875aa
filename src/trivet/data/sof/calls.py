"""Functions of FHIRPath and FHIR that have SQL: name -> (least arguments, most, how it is compiled)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from trivet.data.sof.compile import Compiler, Function, Scope, constant, type_name
from trivet.data.sof.definition import ViewError
from trivet.data.sof.plan import Const, Each, Expr, Op, Var
from trivet.data.sof.values import EMPTY, NotCompiled, Value, computed
from trivet.kernel.fhirpath.nodes import Call

__all__ = ["FUNCTIONS"]

FUNCTIONS: dict[str, tuple[int, int, Function]] = {}


def function(*names: str, least: int = 0, most: int | None = None) -> Callable[[Function], Function]:
    """Enter a function under its names."""

    def enter(made: Function) -> Function:
        for name in names:
            FUNCTIONS[name] = (least, least if most is None else most, made)
        return made

    return enter


def empty(value: Value) -> bool:
    """Is this the empty collection, known while compiling?"""
    return not value.type and value.expr == Const(None)


# -- existence


@function("exists", most=1)
def _exists(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    if node.arguments:
        value = make.filtered(value, node.arguments[0], scope)
    return computed(Const(False) if empty(value) else make.exists(value), "Boolean")


@function("empty")
def _empty(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    return computed(Const(True) if empty(value) else Op("not", (make.exists(value),)), "Boolean")


@function("not")
def _not(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    return computed(Op("not", (make.truth(value, "not()"),)), "Boolean")


@function("all", least=1)
def _all(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    if empty(value):
        return constant(True)
    source = Value(make.listed(value), value.type, True, value.shape) if not value.options else value
    var, index, found = make.over(source, node.arguments[0], scope, kind="filter")
    test = Op("not", (Op("coalesce", (make.truth(found, "all()"), Const(False))),))
    return computed(Op("not", (Op("filled", (Each("filter", source.expr, var, test, index),)),)), "Boolean")


@function("allTrue", "anyTrue", "allFalse", "anyFalse")
def _truths(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    if value.kind not in ("bool", ""):
        raise ViewError(f"{node.name}() works on truth values")
    value = make.system(value)
    var = make.name("x")
    wanted = node.name in ("anyTrue", "allFalse")
    hits = Op("filled", (Each("filter", make.listed(value), var, Op("=", (Var(var), Const(wanted)))),))
    if empty(value):
        return constant(node.name.startswith("all"))
    return computed(hits if node.name.startswith("any") else Op("not", (hits,)), "Boolean")


@function("count")
def _count(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    if value.many:
        return computed(Op("count", (make.having(value) if value.options else value.expr,)), "Integer")
    return computed(Const(0) if empty(value) else Op("choose", (make.exists(value), Const(1), Const(0))), "Integer")


@function("hasValue")
def _has_value(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    if value.options or value.many:
        raise NotCompiled("hasValue() of several elements")
    return computed(Const(False) if value.kind in ("", "complex") else Op("some", (value.expr,)), "Boolean")


@function("getValue")
def _get_value(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    found = make.system(make.one(value, "getValue()"))
    return EMPTY if found.kind == "complex" else found


# -- filtering, parts, types


@function("where", least=1)
def _where(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    return make.filtered(value, node.arguments[0], scope)


@function("select", least=1)
def _select(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    if empty(value):
        return EMPTY
    if not value.many:
        found = make.value(node.arguments[0], replace(scope, focus=value, this=value, index=Const(0)))
        if found.options or value.options:
            raise NotCompiled("select() of a choice")
        return replace(found, expr=Op("when", (make.exists(value), found.expr)), holder=None)
    var, index, found = make.over(value, node.arguments[0], scope, kind="map")
    if found.options:
        raise NotCompiled("select() of a choice")
    if empty(found):
        return EMPTY
    body = Each("map", value.expr, var, found.expr, index)
    return replace(found, expr=Op("flatten" if found.many else "compact", (body,)), many=True, holder=None)


@function("ofType", "as", least=1)
def _of_type(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    value = make.one(value, "as()") if node.name == "as" else value
    return make.of_type(value, type_name(node.arguments[0]))


@function("is", least=1)
def _is(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    return make.is_type(make.one(value, "is()"), type_name(node.arguments[0]))


@function("first")
def _first(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    return make.at(value, Const(0))


@function("last")
def _last(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    return replace(value, expr=Op("last", (value.expr,)), many=False, holder=None) if value.many else value


@function("single")
def _single(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    return make.one(value, "single()")


@function("tail")
def _tail(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    return replace(value, expr=Op("skip", (value.expr, Const(1)))) if value.many else EMPTY


@function("skip", "take", least=1)
def _cut(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    number = make.argument(node, 0, scope)
    if not isinstance(number.expr, Const) or not isinstance(number.expr.value, int):
        raise NotCompiled(f"{node.name}() of a computed number")
    if not value.many:
        kept = (number.expr.value > 0) == (node.name == "take")
        return value if kept else EMPTY
    return replace(value, expr=Op(node.name, (value.expr, Const(max(number.expr.value, 0)))))


@function("distinct")
def _distinct(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    if not value.many:
        return value
    value = make.system(value)
    if value.kind not in ("text", "bool", "int"):
        raise NotCompiled(f"distinct() of {value.type}")
    return replace(value, expr=Op("distinct", (value.expr,)))


@function("union", "combine", least=1)
def _union(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    other = make.value(node.arguments[0], scope if node.on is None or node.name == "union" else replace(scope, focus=scope.this))
    value, other = make.system(value), make.system(other)
    if empty(value) or empty(other):
        both = other if empty(value) else value
    elif value.type != other.type or value.kind == "complex":
        raise NotCompiled("a union of different or complex types")
    else:
        both = replace(value, expr=Op("append", (make.listed(value), make.listed(other))), many=True)
    return both if node.name == "combine" or empty(both) else _distinct(make, node, both, scope)


@function("iif", least=2, most=3)
def _iif(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    inner = scope if empty(value) else replace(scope, focus=value, this=value)
    test = make.truth(make.value(node.arguments[0], inner), "iif()")
    yes = make.system(make.value(node.arguments[1], inner))
    no = make.system(make.value(node.arguments[2], inner)) if len(node.arguments) > 2 else EMPTY
    if not empty(yes) and not empty(no) and (yes.type != no.type or yes.many != no.many or yes.kind == "complex"):
        raise NotCompiled("iif() with results of two types")
    kept = no if empty(yes) else yes
    return replace(kept, expr=Op("choose", (Op("is_true", (test,)), yes.expr, no.expr)), holder=None)


# -- text


def text(make: Compiler, value: Value, name: str) -> Expr:
    """The input as one text."""
    found = make.system(make.one(value, f"{name}()"))
    if found.kind not in ("text", "moment", ""):
        raise ViewError(f"{name}() works on text")
    return found.expr


def words(name: str, type_: str, least: int = 1) -> None:
    """Enter a function of a text and plain texts: empty in, empty out."""

    @function(name, least=least)
    def _run(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
        given = [make.argument(node, number, scope) for number in range(len(node.arguments))]
        if empty(value) or any(empty(one) for one in given):
            return EMPTY
        if any(one.kind != "text" for one in given):
            raise ViewError(f"{name}() takes texts")
        return computed(Op(name, (text(make, value, name), *(one.expr for one in given))), type_)


words("startsWith", "Boolean")
words("endsWith", "Boolean")
words("contains", "Boolean")
words("indexOf", "Integer")
words("replace", "String", 2)
words("length", "Integer", 0)


@function("substring", least=1, most=2)
def _substring(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    given = [make.argument(node, number, scope) for number in range(len(node.arguments))]
    if empty(value) or any(empty(one) for one in given):
        return EMPTY
    if any(one.kind != "int" for one in given):
        raise ViewError("substring() takes whole numbers")
    held = text(make, value, "substring")
    return computed(Op("substring", (held, *(one.expr for one in given))), "String")


@function("join", most=1)
def _join(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    mark = make.argument(node, 0, scope).expr if node.arguments else Const("")
    if empty(value):
        return constant("")
    value = make.system(value)
    if value.kind not in ("text", "moment"):
        raise ViewError("join() works on text")
    return computed(Op("join", (make.listed(value), mark)), "String")


@function("toString")
def _to_string(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    found = make.system(make.one(value, "toString()"))
    if found.kind not in ("text", "moment", "int", "bool", ""):
        raise NotCompiled(f"toString() of {found.type}")
    return EMPTY if empty(found) else computed(Op("digits", (found.expr,)) if found.kind in ("int", "bool") else found.expr, "String")


# -- boundaries and FHIR


@function("lowBoundary", "highBoundary", most=1)
def _boundary(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    if node.arguments:
        raise NotCompiled(f"{node.name}() to a number of digits")
    found = make.system(make.one(value, f"{node.name}()"))
    if found.kind not in ("decimal", "int", "moment", ""):
        raise NotCompiled(f"{node.name}() of {found.type}")
    if empty(found):
        return EMPTY
    kind = found.type.removeprefix("System.") if found.kind == "moment" else "Decimal"
    held = Op("digits", (found.expr,)) if found.kind == "int" else found.expr
    way = "low" if node.name == "lowBoundary" else "high"
    return computed(Op(f"{way}_{kind.lower()}", (held,)), kind)


@function("extension", least=1)
def _extension(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    url = make.argument(node, 0, scope)
    if empty(value):
        return EMPTY
    found = make.member(value, "extension")
    if empty(found):
        return EMPTY
    var = make.name("x")
    item = replace(found, expr=Var(var), many=False)
    test = Op("=", (make.member(item, "url").expr, url.expr))
    return replace(found, expr=Each("filter", found.expr, var, test))


@function("getResourceKey")
def _resource_key(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    if value.many or value.shape is None or "resourceType" not in value.shape.members:
        raise NotCompiled("getResourceKey() of what is not the resource itself")
    return computed(Op("concat", (Const(value.type + "/"), make.member(value, "id").expr)), "String")


@function("getReferenceKey", most=1)
def _reference_key(make: Compiler, node: Call, value: Value, scope: Scope) -> Value:
    wanted = type_name(node.arguments[0]).removeprefix("FHIR.") if node.arguments else ""
    if empty(value):
        return EMPTY
    return make.apply(value, lambda item: computed(Op("reference_key", (make.member(item, "reference").expr,), (wanted,)), "String"))
