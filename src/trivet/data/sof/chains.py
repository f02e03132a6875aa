"""A view to its plan: every select becomes steps and columns of one or more chains (a union multiplies them).

What is refused here: constants nobody defined, conditions that are no truth values, types that do not exist, union parts that
disagree. What has no SQL is `NotCompiled` with the place in the view.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from trivet.data.sof.calls import FUNCTIONS
from trivet.data.sof.compile import Compiler, Scope
from trivet.data.sof.definition import Column, Select, View, ViewError
from trivet.data.sof.plan import Chain, Const, Expr, Keep, Lists, Op, Output, Plan, Repeat, Shape, Step, Unnest, Var
from trivet.data.sof.values import EMPTY, NotCompiled, Value
from trivet.kernel.fhirpath import Node, PathError, Types
from trivet.kernel.fhirpath.nodes import Member

__all__ = ["compile_view"]

KINDS = {"bool": "bool", "int": "int", "decimal": "decimal", "moment": "text", "text": "text"}
DECLARED = {"boolean": "bool", "integer": "int", "positiveInt": "int", "unsignedInt": "int", "decimal": "decimal"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A chain being made. `present` names the flag of the innermost step that may stand for nothing."""

    steps: tuple[Step, ...]
    columns: Mapping[str, tuple[Expr, str, bool]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a select stands: its item, %rowIndex, and the flags of steps that may stand for nothing."""

    item: Value
    row: Expr
    present: str = ""
    outer: str = ""


@contextmanager
def at(where: str) -> Iterator[None]:
    """Errors of an expression say where in the view it stands."""
    try:
        yield
    except NotCompiled as error:
        raise NotCompiled(error.what, error.where or where) from None
    except ViewError as error:
        raise ViewError(error.what, error.where or where) from None
    except PathError as error:
        raise ViewError(str(error), where) from None


def compile_view(view: View, types: Types) -> Plan:
    """The plan of a view. Raises ViewError for what means nothing, NotCompiled for what only the reference can run."""
    if not types.known(view.resource):
        raise ViewError(f"there is no resource {view.resource}", "resource")
    makes = _Chains(view, types)
    # every chain reads its own part of the JSON, so each is compiled apart: the walk says how many there are
    drafts = makes.drafts()
    names = view.names()
    kinds = [
        _agreed(name, [draft.columns[name][1:] for draft in drafts], column) for name, column in zip(names, view.columns(), strict=True)
    ]
    outputs = tuple(Output(name, kind, many) for name, (kind, many) in zip(names, kinds, strict=True))
    chains = tuple(Chain(makes.shape, draft.steps, tuple(draft.columns[name][0] for name in names)) for draft in drafts)
    return Plan(view.resource, outputs, chains, makes.maker.exact, tuple(makes.maker.notes))


def _agreed(name: str, found: Sequence[tuple[str, bool]], column: Column) -> tuple[str, bool]:
    """The kind of a column over all chains."""
    kinds = {kind for kind, _ in found if kind} or {DECLARED.get(column.type, "text")}
    if len(kinds) > 1 or len({many for _, many in found}) > 1:
        raise ViewError(f"the parts of a union give {name} as {' and '.join(sorted(kinds))}", name)
    return kinds.pop(), found[0][1]


class _Chains:
    """Walks one view. One shape gathers what all chains read of the resource."""

    def __init__(self, view: View, types: Types) -> None:
        self.view, self.maker = view, Compiler(types, view.constants, FUNCTIONS)
        self.root, self.shape = self.maker.root(view.resource)

    def drafts(self) -> list[Draft]:
        place = Place(self.root, Const(0))
        keeps: list[Step] = []
        for number, node in enumerate(self.view.where):
            with at(f"where[{number}]"):
                found = self.maker.value(node, self._scope(place))
                if found.kind not in ("bool", ""):
                    raise ViewError("a condition of where is a truth value")
                keeps.append(Keep(self.maker.truth(found, "where")))
        return self._product(self.view.selects, place, [Draft(tuple(keeps), {})], "select")

    def _scope(self, place: Place) -> Scope:
        return Scope(place.item, place.item, self.root, place.row)

    def _product(self, selects: Sequence[Select], place: Place, drafts: list[Draft], where: str) -> list[Draft]:
        for number, select in enumerate(selects):
            drafts = [made for draft in drafts for made in self._select(select, place, draft, f"{where}[{number}]")]
        return drafts

    def _select(self, select: Select, place: Place, draft: Draft, where: str) -> list[Draft]:
        inner = place
        if select.repeat:
            step, inner = self._repeat(select.repeat, place, where)
            draft = replace(draft, steps=(*draft.steps, step))
        elif select.each is not None:
            step, inner = self._unnest(select.each, select.or_null, place, where)
            draft = replace(draft, steps=(*draft.steps, step))
        own = {column.name: self._column(column, inner, place, f"{where}.column[{n}]") for n, column in enumerate(select.columns)}
        drafts = self._product(select.inner, inner, [replace(draft, columns={**draft.columns, **own})], f"{where}.select")
        if not select.union:
            return drafts
        made: list[Draft] = []
        for number, part in enumerate(select.union):
            for one in drafts:
                # a row that stands for nothing is one row, not one for each part
                keep = (Keep(Var(inner.present)),) if inner.present and number else ()
                made += self._select(part, inner, replace(one, steps=(*one.steps, *keep)), f"{where}.unionAll[{number}]")
        return made

    def _unnest(self, node: Node, or_null: bool, place: Place, where: str) -> tuple[Step, Place]:
        with at(f"{where}.{'forEachOrNull' if or_null else 'forEach'}"):
            found = self.maker.value(node, self._scope(place))
            if found.options:
                raise NotCompiled("rows for a choice: name the type with ofType()")
            source = self.maker.listed(found) if found.type else Op("nothing", ())
        item, index = self.maker.name("s"), self.maker.name("i")
        present = self.maker.name("p") if or_null or place.present else ""
        step = Unnest(source, item, index, present, place.present, or_null)
        value = replace(found, expr=Var(item), many=False, holder=None) if found.type else EMPTY
        return step, Place(value, Var(index), present, place.present)

    def _repeat(self, paths: Sequence[Node], place: Place, where: str) -> tuple[Step, Place]:
        with at(f"{where}.repeat"):
            routes = [_route(path) for path in paths]
            shape = Shape(many=True)
            types = {kind for route in routes for kind in [self._end(place.item.type, route)] if kind}
            if len(types) > 1:
                raise NotCompiled("repeat over elements of several types")
            kind = types.pop() if types else ""
            item, index, var = self.maker.name("s"), self.maker.name("i"), self.maker.name("x")
            if kind and any(self._end(kind, route) not in ("", kind) for route in routes):
                raise NotCompiled("repeat over elements of several types")
            first = self._children(place.item, routes, shape) if kind else None
            more = self._children(Value(Var(var), kind, False, shape), routes, shape) if kind else None
        present = self.maker.name("p") if place.present else ""
        if first is None:
            return Unnest(Op("nothing", ()), item, index, present, place.present), Place(EMPTY, Var(index), present, place.present)
        value = Value(Var(item), kind, False, shape)
        if more is None:
            return Unnest(first, item, index, present, place.present), Place(value, Var(index), present, place.present)
        return Repeat(first, var, more, item, index, present, place.present), Place(value, Var(index), present, place.present)

    def _end(self, kind: str, route: Sequence[str]) -> str:
        """The type at the end of a route; empty when there is none."""
        for name in route:
            found = self.maker.types.resolve(kind, name)
            if found is None or not found[1]:
                return ""
            kind = found[1][0]
        return kind

    def _children(self, value: Value, routes: Sequence[Sequence[str]], shape: Shape) -> Expr | None:
        """The lists at the ends of all routes, one after the other, read in a shape. None when no route leads anywhere."""
        found: list[Expr] = []
        for *before, last in routes:
            if not self._end(value.type, (*before, last)):
                continue
            on = value
            for name in before:
                on = self.maker.member(on, name)

            def read(item: Value, last: str = last) -> Value:
                held = self.maker.member(item, last)
                if held.shape is None or not held.shape.many:
                    raise NotCompiled("repeat over what is no list of elements")
                held.shape.raw = True
                return replace(held, expr=Lists(held.expr, shape))

            found.append(self.maker.apply(on, read).expr)
        return None if not found else found[0] if len(found) == 1 else Op("append", tuple(found))

    def _column(self, column: Column, place: Place, outer: Place, where: str) -> tuple[Expr, str, bool]:
        with at(where):
            found = self.maker.system(self.maker.value(column.path, self._scope(place)))
            if found.kind == "complex":
                raise NotCompiled(f"{column.name} is a whole {found.type}: name the element inside it")
            if column.collection:
                expr: Expr = Op("list_or_empty", (self.maker.listed(found) if found.type else Op("nothing", ()),))
            else:
                expr = self.maker.one(found, column.name).expr
            kind = KINDS.get(found.kind, "")
            flag = place.present
            if flag and column.text.strip() == "%rowIndex":
                flag = outer.present
            if flag:
                expr = Op("when", (Var(flag), expr))
            return expr, kind, column.collection


def _route(node: Node) -> tuple[str, ...]:
    """`answer.item` as its names. Anything else has no SQL here."""
    names: list[str] = []
    on: Node | None = node
    while isinstance(on, Member):
        names.insert(0, on.name)
        on = on.on
    if on is not None or not names:
        raise NotCompiled("repeat follows plain element names only")
    return tuple(names)
