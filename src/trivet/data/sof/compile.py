"""FHIRPath syntax trees to plan expressions, with FHIR's types. What has no SQL is refused as `NotCompiled`, never approximated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from trivet.data.sof.comparing import arithmetic, compare, equality, membership
from trivet.data.sof.definition import ViewError
from trivet.data.sof.plan import Const, Each, Expr, Field, Op, Shape, Var
from trivet.data.sof.values import EMPTY, Maker, NotCompiled, Value, computed
from trivet.kernel.fhirpath import Node, Types
from trivet.kernel.fhirpath.nodes import Binary, Call, External, Index, Literal, Member, Special, TypeTest, Unary
from trivet.kernel.fhirpath.temporal import Temporal

__all__ = ["Compiler", "Scope", "constant", "type_name"]

Function = Callable[["Compiler", Call, Value, "Scope"], Value]


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression sees. `row` is %rowIndex, `index` is $index where there is one."""

    focus: Value
    this: Value
    root: Value
    row: Expr
    index: Expr | None = None


def constant(value: Any) -> Value:
    """A literal or a constant of the view."""
    if isinstance(value, bool):
        return computed(Const(value), "Boolean")
    if isinstance(value, int):
        return computed(Const(value), "Integer")
    if isinstance(value, Decimal):
        return computed(Const(format(value, "f")), "Decimal")
    if isinstance(value, str):
        return computed(Const(value), "String")
    if isinstance(value, Temporal):
        return computed(Const(value.text.removeprefix("T").removesuffix("T")), value.kind)
    if value is None:
        return EMPTY
    raise NotCompiled(f"a constant of type {type(value).__name__}")


def type_name(node: Node | None) -> str:
    """`FHIR.Patient` out of an argument that names a type."""
    names: list[str] = []
    while isinstance(node, Member):
        names.insert(0, node.name)
        node = node.on
    if node is not None or not names:
        raise ViewError("the name of a type is expected")
    return ".".join(names)


def picked(items: Expr, place: Expr) -> Expr:
    """The item at a place. Members of listed elements are picked before they are taken out: one pass instead of three."""

    def taken(found: Expr) -> Expr:
        return Op("first", (found,)) if place == Const(0) else Op("at", (found, place))

    inner = items.arguments[0] if isinstance(items, Op) and items.name == "compact" else None
    if not isinstance(inner, Each) or not isinstance(inner.body, Field) or inner.body.of != Var(inner.var) or inner.index:
        return taken(items)
    source, test = inner.source, Op("some", (inner.body,))
    if isinstance(source, Each) and source.kind == "filter":
        known = Op("and", (source.body, Op("some", (replace(inner.body, of=Var(source.var)),))))
        kept = replace(source, body=known)
    else:
        kept = Each("filter", source, inner.var, test)
    return replace(inner.body, of=taken(kept))


class Compiler(Maker):
    """Compiles the expressions of one view."""

    def __init__(self, types: Types, constants: Mapping[str, Any], functions: Mapping[str, tuple[int, int, Function]]) -> None:
        super().__init__(types)
        self.constants, self.functions = constants, functions

    def value(self, node: Node, scope: Scope) -> Value:
        """What a tree stands for."""
        if isinstance(node, Literal):
            return constant(node.value)
        if isinstance(node, Member):
            return self._member(node, scope)
        if isinstance(node, Call):
            return self._call(node, scope)
        if isinstance(node, Binary):
            return self._binary(node, scope)
        if isinstance(node, External):
            return self._external(node, scope)
        if isinstance(node, Special):
            return self._special(node, scope)
        if isinstance(node, Index):
            return self._index(node, scope)
        if isinstance(node, Unary):
            return self._unary(node, scope)
        if isinstance(node, TypeTest):
            found = self.value(node.left, scope)
            if node.operator == "as":
                return self.of_type(self.one(found, "as"), node.type)
            return self.is_type(self.one(found, "is"), node.type)
        raise NotCompiled(f"{type(node).__name__} has no SQL")

    def _member(self, node: Member, scope: Scope) -> Value:
        if node.on is not None:
            return self.member(self.value(node.on, scope), node.name)
        focus = scope.focus
        if node.name[:1].isupper() and focus.shape is not None and not focus.options and self.types.is_a(focus.type, node.name):
            return focus
        return self.member(focus, node.name)

    def _call(self, node: Call, scope: Scope) -> Value:
        if node.name not in self.functions:
            raise NotCompiled(f"no SQL for {node.name}()")
        least, most, made = self.functions[node.name]
        if not least <= len(node.arguments) <= most:
            raise ViewError(f"{node.name}() takes other arguments")
        value = self.value(node.on, scope) if node.on is not None else scope.focus
        if value.options and node.name not in ("ofType", "as", "is", "exists", "empty", "count"):
            raise NotCompiled(f"{node.name}() of a choice: name the type with ofType()")
        return made(self, node, value, scope)

    def argument(self, node: Call, number: int, scope: Scope) -> Value:
        """A plain argument: evaluated where the call stands, one value."""
        return self.system(self.one(self.value(node.arguments[number], replace(scope, focus=scope.this)), f"{node.name}()"))

    def over(self, source: Value, node: Node, scope: Scope, *, kind: str) -> tuple[str, str, Value]:
        """An argument that is evaluated for each item of a list: (variable, index variable, value)."""
        var, index = self.name("x"), self.name("n")
        item = replace(source, expr=Var(var), many=False, holder=None)
        return var, index, self.value(node, replace(scope, focus=item, this=item, index=Var(index)))

    def filtered(self, source: Value, node: Node, scope: Scope) -> Value:
        """where()."""
        if source.expr == Const(None):
            return EMPTY
        if not source.many:
            inner = replace(scope, focus=source, this=source, index=Const(0))
            test = self.truth(self.value(node, inner), "where()")
            if source.options:
                raise NotCompiled("where() on a choice: name the type with ofType()")
            return replace(source, expr=Op("when", (test, source.expr)), holder=None)
        var, index, found = self.over(source, node, scope, kind="filter")
        return replace(source, expr=Each("filter", source.expr, var, self.truth(found, "where()"), index))

    # -- types

    def _fits(self, type_: str, name: str, *, exactly: bool) -> bool:
        space, _, word = name.rpartition(".")
        system = ("Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity")
        known = word in system if space == "System" else self.types.known(word) or (not space and word in system)
        if not known or space not in ("", "System", "FHIR"):
            raise ViewError(f"there is no type {name}")
        if type_.startswith("System."):
            return space != "FHIR" and type_ == "System." + word
        if space == "System" or not type_:
            return False
        return type_ == word if exactly and word[:1].islower() else self.types.is_a(type_, word)

    def of_type(self, value: Value, name: str) -> Value:
        """ofType(), as: the part of a value that is of a type."""
        if value.options:
            fits = [option for option in value.options if self._fits(option[0], name, exactly=True)]
            if len(fits) > 1:
                raise NotCompiled(f"several types of this choice are a {name}")
            return self.apply(value, lambda item: self.pick(item, fits[0])) if fits else EMPTY
        if value.type in ("Resource", "DomainResource") and value.shape is not None and self.types.is_a(name, value.type):
            return self.apply(value, lambda item: self._resource(item, name))
        return value if self._fits(value.type, name, exactly=True) else EMPTY

    def _resource(self, value: Value, name: str) -> Value:
        assert value.shape is not None
        value.shape.member("resourceType", many=False)
        kind = self.field(value, "code", "resourceType")
        return replace(value, type=name, expr=Op("when", (Op("=", (kind.expr, Const(name))), value.expr)))

    def is_type(self, value: Value, name: str) -> Value:
        """is: true, false, or empty for nothing."""
        if not value.options:
            return computed(Op("when", (self.exists(value), Const(self._fits(value.type, name, exactly=False)))), "Boolean")
        fits = [option for option in value.options if self._fits(option[0], name, exactly=False)]
        hit: Expr = Op("any", tuple(self.exists(self.pick(value, option)) for option in fits)) if fits else Const(False)
        return computed(Op("when", (self.exists(value), hit)), "Boolean")

    # -- the other forms

    def _external(self, node: External, scope: Scope) -> Value:
        if node.name in ("context", "resource", "rootResource"):
            return scope.root
        if node.name == "rowIndex":
            return computed(scope.row, "Integer")
        if node.name in self.constants:
            return constant(self.constants[node.name])
        urls = {"ucum": "http://unitsofmeasure.org", "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}
        if node.name in urls:
            return constant(urls[node.name])
        raise ViewError(f"nobody defined %{node.name}")

    def _special(self, node: Special, scope: Scope) -> Value:
        if node.name == "$this":
            return scope.this
        if node.name == "$index" and scope.index is not None:
            return computed(scope.index, "Integer")
        raise NotCompiled(f"{node.name} here")

    def _index(self, node: Index, scope: Scope) -> Value:
        value = self.value(node.on, scope)
        place = self.system(self.value(node.index, replace(scope, focus=scope.this)))
        if place.expr == Const(None):
            return EMPTY
        if place.kind != "int" or place.many:
            raise ViewError("an index is one whole number")
        return self.at(value, place.expr)

    def at(self, value: Value, place: Expr) -> Value:
        """The item at a place, from 0; empty outside."""
        if value.options and value.many:
            raise NotCompiled("a place in a choice of many elements")
        if value.many:
            return replace(value, expr=picked(value.expr, place), many=False, holder=None)
        if isinstance(place, Const):
            return value if place.value == 0 else EMPTY
        if value.options:
            raise NotCompiled("a computed place in a choice")
        return replace(value, expr=Op("when", (Op("=", (place, Const(0))), value.expr)), holder=None)

    def _unary(self, node: Unary, scope: Scope) -> Value:
        value = self.system(self.one(self.value(node.right, scope), node.operator))
        if isinstance(value.expr, Const) and value.kind in ("int", "decimal") and node.operator == "-":
            held = value.expr.value
            return constant(-held if isinstance(held, int) else -Decimal(str(held)))
        if value.kind not in ("int", "decimal"):
            raise NotCompiled(f"{node.operator} of {value.type or 'nothing'}")
        return value if node.operator == "+" else arithmetic("-", constant(0), value)

    def _binary(self, node: Binary, scope: Scope) -> Value:
        name = node.operator
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        if name in ("and", "or", "xor", "implies"):
            return computed(Op(name, (self.truth(left, name), self.truth(right, name))), "Boolean")
        if name == "|":
            return self.functions["union"][2](self, Call(node.at, node.left, "union", (node.right,)), left, scope)
        left, right = self.system(left), self.system(right)
        if name in ("=", "!=", "~", "!~"):
            return computed(equality(self, name, left, right), "Boolean")
        if name in ("in", "contains"):
            one, many = (left, right) if name == "in" else (right, left)
            return computed(membership(self, self.one(one, name), many), "Boolean")
        left, right = self.one(left, name), self.one(right, name)
        if name == "&":
            if {left.kind, right.kind} - {"text", ""}:
                raise NotCompiled("& of what is no text")
            parts = tuple(Op("coalesce", (side.expr, Const(""))) if side.type else Const("") for side in (left, right))
            return computed(Op("concat", parts), "String")
        if not left.type or not right.type:
            return EMPTY
        if name in ("<", ">", "<=", ">="):
            return computed(compare(name, left, right), "Boolean")
        return arithmetic(name, left, right)

    def root(self, resource: str) -> tuple[Value, Shape]:
        """The resource as a value, and the shape that gathers what is read of it."""
        shape = Shape()
        shape.member("resourceType", many=False)
        return Value(Var("_r"), resource, False, shape), shape
