"""What an expression stands for while it is compiled: an expression of the plan with its FHIR type, and how to go on from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

from trivet.data.sof.definition import ViewError
from trivet.data.sof.plan import Const, Each, Expr, Field, Op, Shape, Var
from trivet.kernel.fhirpath import Types

__all__ = ["EMPTY", "Maker", "NotCompiled", "Value", "kind_of"]

KINDS = {
    "boolean": "bool",
    "integer": "int",
    "positiveInt": "int",
    "unsignedInt": "int",
    "integer64": "int",
    "decimal": "decimal",
    "date": "moment",
    "dateTime": "moment",
    "instant": "moment",
    "time": "moment",
}
SYSTEM = {
    "System.Boolean": "bool",
    "System.Integer": "int",
    "System.Decimal": "decimal",
    "System.String": "text",
    "System.Date": "moment",
    "System.DateTime": "moment",
    "System.Time": "moment",
}


class NotCompiled(ViewError):
    """An expression that FHIRPath allows and that no SQL is made for: the reference engine can run it."""


@dataclass(frozen=True, slots=True)
class Value:
    """`type` is `HumanName`, `code` or `System.Boolean`, empty for the empty collection.

    `options` are the types of a choice (`value[x]`) with their members: then `expr` and `shape` are the parent's. `holder` is the
    parent of a primitive, where its extensions stand under `_member`.
    """

    expr: Expr
    type: str = ""
    many: bool = False
    shape: Shape | None = None
    options: tuple[tuple[str, str], ...] = ()
    holder: tuple[Expr, Shape, str] | None = None

    @property
    def kind(self) -> str:
        """`bool`, `int`, `decimal`, `moment`, `text`, `complex`; empty for the empty collection."""
        return "choice" if self.options else kind_of(self.type)


EMPTY = Value(Const(None))


def kind_of(type_: str) -> str:
    """How values of a type are computed with."""
    if not type_:
        return ""
    if type_ in SYSTEM:
        return SYSTEM[type_]
    return KINDS.get(type_, "text") if type_[:1].islower() and "." not in type_ else "complex"


def computed(expr: Expr, type_: str, *, many: bool = False) -> Value:
    """A value that an operation made."""
    return Value(expr, "System." + type_, many)


class Maker:
    """Makes plan expressions out of values: members, lists, truth, single values. One for each plan; its variables never repeat."""

    def __init__(self, types: Types) -> None:
        self.types, self.numbers, self.notes, self.exact = types, count(1), dict[str, None](), False

    def name(self, letter: str) -> str:
        """A name that nothing else has."""
        return f"_{letter}{next(self.numbers)}"

    # -- lists

    def apply(self, value: Value, made: Callable[[Value], Value]) -> Value:
        """What `made` makes of each item; empty where it makes nothing."""
        if not value.many:
            return made(value)
        var = self.name("x")
        inner = made(replace(value, expr=Var(var), many=False, holder=None))
        if inner.options:
            if inner.expr != Var(var):
                raise NotCompiled("a choice of many elements needs ofType()")
            return replace(value, type=inner.type, options=inner.options)
        if inner is EMPTY or inner.expr == Const(None):
            return EMPTY
        if inner.expr == Var(var):
            return replace(inner, expr=value.expr, many=True)
        body = Each("map", value.expr, var, inner.expr)
        return replace(inner, expr=Op("flatten" if inner.many else "compact", (body,)), many=True, holder=None)

    def listed(self, value: Value) -> Expr:
        """A value as a list."""
        if value.many:
            return value.expr
        return Op("listed", (value.expr,))

    def one(self, value: Value, where: str) -> Value:
        """A value as a single one; more than one stops the query."""
        if not value.many:
            return value
        if value.options:
            raise NotCompiled(f"{where} over a choice of many elements: name the type with ofType()")
        return replace(value, expr=Op("only", (value.expr,), (f"{where} has several values where one is taken",)), many=False)

    # -- elements

    def member(self, value: Value, name: str) -> Value:
        """The values of one element."""
        if value.many:
            return self.apply(value, lambda item: self.member(item, name))
        if value.options:
            return self._of_choice(value, name)
        if value.shape is None:
            return self._of_primitive(value, name)
        found = self.types.resolve(value.type, name)
        if found is None:
            if value.type not in self.types.elements or value.type in ("Resource", "DomainResource"):
                raise NotCompiled(f"{value.type} may be of any type: name it with ofType()")
            self.notes[f"{value.type} has no {name}: always empty"] = None
            return EMPTY
        member, kinds = found
        if member.endswith("[x]"):
            options = tuple((kind, member[:-3] + kind[:1].upper() + kind[1:]) for kind in kinds)
            return replace(value, type="?", options=options, holder=None) if len(options) > 1 else self.field(value, *options[0])
        if not kinds:
            raise NotCompiled(f"{value.type}.{name} has no type")
        return self.field(value, kinds[0], member)

    def field(self, value: Value, kind: str, member: str) -> Value:
        """The member of that JSON name and type."""
        assert value.shape is not None
        kind = kind[:1].lower() + kind[1:] if kind in ("String", "Boolean", "Integer", "Decimal", "Date", "DateTime", "Time") else kind
        many = f"{value.type}.{member}" in self.types.many
        shape = value.shape.member(member, many=many)
        self.exact = self.exact or kind_of(kind) == "decimal"
        found = Field(value.expr, member, shape)
        if kind_of(kind) == "complex":
            return Value(found, kind, many, shape)
        return Value(found, kind, many, holder=(value.expr, value.shape, member))

    def pick(self, value: Value, option: tuple[str, str]) -> Value:
        """One type of a choice."""
        return self.field(replace(value, options=()), *option)

    def _of_choice(self, value: Value, name: str) -> Value:
        fits = [option for option in value.options if option[0] in self.types.elements and self.types.resolve(option[0], name)]
        fits = [option for option in fits if kind_of(option[0]) == "complex" or name in ("id", "extension")]
        found = [self.member(self.pick(value, option), name) for option in fits]
        if not found:
            return EMPTY
        if len({(one.type, one.many) for one in found}) > 1 or found[0].options or (found[0].kind == "complex" and len(found) > 1):
            raise NotCompiled(f"{name} is of several types here: name one with ofType()")
        if len(found) == 1:
            return found[0]
        return replace(found[0], expr=Op("coalesce", tuple(one.expr for one in found)), holder=None)

    def _of_primitive(self, value: Value, name: str) -> Value:
        if value.type.startswith("System.") or not value.type or name not in ("id", "extension"):
            return EMPTY
        if value.holder is None:
            raise NotCompiled(f"{name} of a primitive that stands in a list")
        parent, shape, member = value.holder
        beside = shape.member("_" + member, many=False)
        return self.member(Value(Field(parent, "_" + member, beside), "Element", False, beside), name)

    # -- single values

    def system(self, value: Value) -> Value:
        """FHIR primitives as system values: truth values and whole numbers out of their text."""
        if value.options:
            raise NotCompiled("a choice needs ofType() before it is computed with")
        if value.type.startswith("System.") or not value.type or value.kind == "complex":
            return value
        names = {"bool": "Boolean", "int": "Integer", "decimal": "Decimal", "text": "String"}
        temporal = {"date": "Date", "time": "Time"}.get(value.type, "DateTime")
        type_ = "System." + names.get(value.kind, temporal)
        reading = {"bool": "truth", "int": "int"}.get(value.kind)
        if reading is None:
            return Value(value.expr, type_, value.many)
        if not value.many:
            return Value(Op(reading, (value.expr,)), type_)
        var = self.name("x")
        return Value(Each("map", value.expr, var, Op(reading, (Var(var),))), type_, many=True)

    def exists(self, value: Value) -> Expr:
        """Is there anything?"""
        if value.options and not value.many:
            found: list[Expr] = [self.exists(self.pick(value, option)) for option in value.options]
            return Op("any", tuple(found))
        if value.options:
            return Op("filled", (self.having(value),))
        if value.many:
            return Op("filled", (value.expr,))
        if value.holder is not None and value.kind != "complex":
            parent, shape, member = value.holder
            beside = Field(parent, "_" + member, shape.member("_" + member, many=False))
            return Op("any", (Op("some", (value.expr,)), Op("some", (beside,))))
        return Op("some", (value.expr,))

    def having(self, value: Value) -> Expr:
        """Those of many elements that have the choice."""
        var = self.name("x")
        return Each("filter", value.expr, var, self.exists(replace(value, expr=Var(var), many=False)))

    def truth(self, value: Value, where: str) -> Expr:
        """A condition: NULL for empty; one item that is no truth value is true (FHIRPath 2.0.0, section 4.5)."""
        if value.kind == "bool":
            return self.system(self.one(value, where)).expr
        if not value.type:
            return Op("unknown", ())
        if value.many:
            value = self.one(value, where)
        return Op("when", (self.exists(value), Const(True)))
