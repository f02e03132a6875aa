"""The relational form of a view, between FHIRPath and SQL: what to read out of the JSON text, which rows to make, which columns to compute.

A `Plan` is closed and engine-free. Every leaf read from the JSON is text, exactly as it stands there (`1.10` stays `1.10`);
numbers and moments are made from it by named operations. A value is NULL for "empty"; a list may be NULL, which is an empty list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Chain", "Const", "Each", "Expr", "Field", "Keep", "Lists", "Op", "Output", "Plan", "Repeat", "Shape", "Unnest", "Var"]


@dataclass(slots=True, eq=False)
class Shape:
    """What is read of one JSON element: nothing below it (then it is text), members by name, or (`raw`) its JSON as it stands."""

    many: bool = False
    members: dict[str, Shape] = field(default_factory=dict)
    raw: bool = False

    def member(self, name: str, *, many: bool) -> Shape:
        """The member of that name, asked for from now on."""
        return self.members.setdefault(name, Shape(many))


@dataclass(frozen=True, slots=True)
class Expr:
    """Any expression."""


@dataclass(frozen=True, slots=True)
class Var(Expr):
    """A relation's column or a variable of a list operation."""

    name: str


@dataclass(frozen=True, slots=True)
class Const(Expr):
    """A constant: text, whole number, truth value, or NULL."""

    value: str | int | bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Field(Expr):
    """A member of an element; `shape` is the member's own."""

    of: Expr
    name: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Op(Expr):
    """A named operation, in `Operations` of each engine. `extra` are plain parameters (a message, a name)."""

    name: str
    arguments: tuple[Expr, ...]
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Each(Expr):
    """`map` or `filter` over a list: `body` sees the item as `var` and its place (from 0) as `index`, when that is named."""

    kind: str
    source: Expr
    var: str
    body: Expr
    index: str = ""


@dataclass(frozen=True, slots=True)
class Lists(Expr):
    """The elements of a list of JSON texts (`raw` members), read anew in a shape."""

    source: Expr
    shape: Shape


@dataclass(frozen=True, slots=True)
class Unnest:
    """One row for each item of a list: adds `item`, `index` (from 0) and, when `or_null`, `present`.

    `within` names the `present` of an enclosing step that may stand for nothing: then there is one row, with nothing in it.
    """

    source: Expr
    item: str
    index: str
    present: str = ""
    within: str = ""
    or_null: bool = False


@dataclass(frozen=True, slots=True)
class Repeat:
    """Rows for everything below: `first` gives the children of where we stand, `more` those of `var`; both lists of one shape."""

    first: Expr
    var: str
    more: Expr
    item: str
    index: str
    present: str = ""
    within: str = ""


@dataclass(frozen=True, slots=True)
class Keep:
    """Only rows where the condition is true."""

    condition: Expr


Step = Unnest | Repeat | Keep


@dataclass(frozen=True, slots=True)
class Output:
    """One column: `kind` is bool, int, decimal (its digits as text) or text; `many` is a list of them."""

    name: str
    kind: str
    many: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """One way from a resource to rows; a union has one for each part. `columns` in the order of the plan's outputs."""

    shape: Shape
    steps: tuple[Step, ...]
    columns: tuple[Expr, ...]

    def repeats(self) -> bool:
        """Is there a step of unknown depth?"""
        return any(isinstance(step, Repeat) for step in self.steps)


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole view. `exact`: it reads decimals, whose digits must be kept. `notes` say what a reader should know."""

    resource: str
    outputs: tuple[Output, ...]
    chains: tuple[Chain, ...]
    exact: bool = False
    notes: tuple[str, ...] = ()

    def repeats(self) -> bool:
        """Does its SQL depend on how deep the data is?"""
        return any(chain.repeats() for chain in self.chains)

    def lines(self) -> Iterator[str]:
        """The plan for a person to read."""
        yield f"resource {self.resource}"
        for number, chain in enumerate(self.chains):
            yield f"rows {number}: reads {shown(chain.shape)}"
            for step in chain.steps:
                yield f"  {type(step).__name__.lower()} {described(step)}"
        for output in self.outputs:
            yield f"column {output.name}: {'list of ' if output.many else ''}{output.kind}"
        yield from (f"note: {note}" for note in self.notes)


def shown(shape: Shape) -> str:
    """A shape on one line."""
    inner = "" if not shape.members else "{" + ", ".join(f"{name} {shown(one)}".strip() for name, one in shape.members.items()) + "}"
    return ("*" if shape.many else "") + ("json" if shape.raw else "") + inner


def described(step: Step) -> str:
    """A step on one line."""
    if isinstance(step, Keep):
        return "rows that meet the condition"
    if isinstance(step, Repeat):
        return f"{step.item}, everything below"
    return f"{step.item}{' or one row of nothing' if step.or_null else ''}"
