"""A plan to SQL text, for any engine whose dialect names its operations: the walk is here, the words are in `duck_sql` and `spark_sql`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from itertools import count

from trivet.data.sof.plan import Chain, Const, Each, Expr, Field, Keep, Lists, Op, Plan, Repeat, Shape, Step, Unnest, Var

__all__ = ["MARK", "TOO_DEEP", "Emitter", "Operations"]

MARK = "view: "
"""Before every message that a statement stops with: these hold no values and may be shown."""
TOO_DEEP = "repeat goes deeper than this statement reads"
NO_RESOURCE = "a record is no FHIR resource"
Operations = Mapping[str, Callable[..., str]]
"""Operation -> function of the SQL of its arguments (and of its extra parameters, by position after them)."""

SHARED: Operations = {
    "unknown": lambda: "CAST(NULL AS BOOLEAN)",
    "some": lambda x: f"({x} IS NOT NULL)",
    "both": lambda a, b: f"({a} IS NOT NULL AND {b} IS NOT NULL)",
    "any": lambda *xs: "(" + " OR ".join(xs) + ")",
    "all": lambda *xs: "(" + " AND ".join(xs) + ")",
    "and": lambda a, b: f"({a} AND {b})",
    "or": lambda a, b: f"({a} OR {b})",
    "xor": lambda a, b: f"({a} <> {b})",
    "implies": lambda a, b: f"((NOT {a}) OR {b})",
    "not": lambda x: f"(NOT {x})",
    "is_true": lambda x: f"coalesce({x}, FALSE)",
    "when": lambda c, x: f"CASE WHEN {c} THEN {x} END",
    "choose": lambda c, a, b: f"CASE WHEN {c} THEN {a} ELSE {b} END",
    "coalesce": lambda *xs: f"coalesce({', '.join(xs)})",
    "=": lambda a, b: f"({a} = {b})",
    "<": lambda a, b: f"({a} < {b})",
    ">": lambda a, b: f"({a} > {b})",
    "<=": lambda a, b: f"({a} <= {b})",
    ">=": lambda a, b: f"({a} >= {b})",
    "+": lambda a, b: f"({a} + {b})",
    "-": lambda a, b: f"({a} - {b})",
    "*": lambda a, b: f"({a} * {b})",
    "concat": lambda a, b: f"({a} || {b})",
    "contains": lambda a, b: f"contains({a}, {b})",
    "replace": lambda a, b, c: f"replace({a}, {b}, {c})",
    "length": lambda a: f"length({a})",
    "zoned": lambda x: f"CASE WHEN length({x}) > 10 THEN {x} LIKE '%Z' OR substr({x}, length({x}) - 5, 1) IN ('+', '-') END",
}


ONCE = frozenset(SHARED) - {"zoned"} | {"compact", "flatten", "first", "last", "count", "filled", "take", "append", "join"}
"""Operations that read each argument once, so that its SQL may stand in them as it is."""


class Emitter(ABC):
    """Walks a plan. A dialect gives literals, names, its operations, how JSON text is parsed and how lists become rows."""

    operations: Operations
    text_type: str
    short = 80
    """An argument longer than this is computed once and given a name, where an operation reads it more than once."""

    def __init__(self) -> None:
        self._names = count(1)

    def let(self, value: str, made: Callable[[str], str]) -> str:
        """`made` of a value that is computed once."""
        if len(value) <= self.short:
            return made(value)
        name = f"_l{next(self._names)}"
        return self.bound(name, value, made(name))

    @abstractmethod
    def bound(self, name: str, value: str, body: str) -> str:
        """`body`, in which `name` stands for `value`."""

    @abstractmethod
    def literal(self, text: str) -> str:
        """A text constant."""

    @abstractmethod
    def quoted(self, name: str) -> str:
        """A name as an identifier."""

    @abstractmethod
    def parsed(self, text: str, shape: Shape, *, exact: bool = False) -> str:
        """JSON text read in a shape. `exact`: it holds decimals as they came. What is read anew inside keeps what it has."""

    @abstractmethod
    def loop(self, kind: str, source: str, var: str, index: str, body: str) -> str:
        """A map or filter over a list. The index counts from 0 for `body`, as `place` writes it."""

    @abstractmethod
    def place(self, name: str) -> str:
        """An index variable of `loop`, from 0."""

    @abstractmethod
    def base(self, resource: str, parsed: str, source: str, message: str) -> str:
        """The rows of a relation `source` (column `raw`) that are resources of one type, parsed once, as column `_r`."""

    @abstractmethod
    def rows(self, step: Unnest | Repeat, source: str, below: str, *, numbered: bool) -> str:
        """One row for each item of the list that the SQL `source` computes over `below`."""

    @abstractmethod
    def levels(self, first: str, more: Callable[[str], str], depth: int, below: str, name: str, message: str) -> tuple[str, str]:
        """Everything below, in document order: (a list of items, the relation over which it is computed)."""

    # -- expressions

    def expression(self, expr: Expr, places: frozenset[str] = frozenset()) -> str:
        """The SQL of an expression."""
        if isinstance(expr, Var):
            return self.place(expr.name) if expr.name in places else expr.name
        if isinstance(expr, Const):
            return self.constant(expr)
        if isinstance(expr, Field):
            found = self.path(expr, places)
            return self.parsed(found, expr.shape) if expr.shape.raw else found
        if isinstance(expr, Lists):
            held = expr.source
            return self.parsed(self.path(held, places) if isinstance(held, Field) else self.expression(held, places), expr.shape)
        if isinstance(expr, Each):
            inner = places | {expr.index} if expr.index else places
            body = self.expression(expr.body, inner)
            index = expr.index if expr.index and expr.index in used(expr.body) else ""
            return self.loop(expr.kind, self.expression(expr.source, places), expr.var, index, body)
        assert isinstance(expr, Op)
        arguments = [self.expression(one, places) for one in expr.arguments]
        return self._operation(expr.name, arguments, [self.literal(MARK + one if expr.name == "only" else one) for one in expr.extra])

    def _operation(self, name: str, arguments: list[str], extra: list[str]) -> str:
        made = self.operations[name]
        if name in ONCE:
            return made(*arguments, *extra)
        long = next((number for number, one in enumerate(arguments) if len(one) > self.short), -1)
        if long < 0:
            return made(*arguments, *extra)
        before, after = arguments[:long], arguments[long + 1 :]
        return self.let(arguments[long], lambda held: self._operation(name, [*before, held, *after], extra))

    def path(self, expr: Field, places: frozenset[str]) -> str:
        """A member as it stands in its parent."""
        on = self.expression(expr.of, places)
        return f"{on if isinstance(expr.of, (Var, Field)) else f'({on})'}.{self.quoted(expr.name)}"

    def constant(self, expr: Const) -> str:
        """A constant."""
        value = expr.value
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        return f"CAST({value} AS BIGINT)" if isinstance(value, int) else self.literal(value)

    # -- relations

    def statement(self, plan: Plan, source: str, depth: int = 8) -> str:
        """The SELECT of a plan over the relation `source`, which has the texts in a column `raw`."""
        return "\nUNION ALL\n".join(self._chain(plan, chain, source, depth) for chain in plan.chains)

    def _chain(self, plan: Plan, chain: Chain, source: str, depth: int) -> str:
        needed: set[str] = set()
        for expr in chain.columns:
            needed |= used(expr)
        for step in chain.steps:
            needed |= used_by(step)
        below = self.base(plan.resource, self.parsed("raw", chain.shape, exact=plan.exact), source, self.literal(MARK + NO_RESOURCE))
        for step in chain.steps:
            below = self._step(step, below, depth, numbered=not isinstance(step, Keep) and step.index in needed)
        columns = [
            f"{self.cast(self.expression(expr), output.kind, many=output.many)} AS {self.quoted(output.name)}"
            for expr, output in zip(chain.columns, plan.outputs, strict=True)
        ]
        return f"SELECT {', '.join(columns)}\nFROM ({below})"

    def cast(self, sql: str, kind: str, *, many: bool) -> str:
        """A column of a fixed type, also where nothing but NULL is in it."""
        type_ = {"bool": "BOOLEAN", "int": "BIGINT"}.get(kind, self.text_type)
        return f"CAST({sql} AS {self.list_type(type_) if many else type_})"

    @abstractmethod
    def list_type(self, type_: str) -> str:
        """The type of a list."""

    def _step(self, step: Step, below: str, depth: int, *, numbered: bool) -> str:
        if isinstance(step, Keep):
            return f"SELECT * FROM ({below})\nWHERE {self.expression(step.condition)}"
        if isinstance(step, Unnest):
            return self.rows(step, self.expression(step.source), below, numbered=numbered)
        more = self.expression(step.more)
        source, below = self.levels(
            self.expression(step.first),
            lambda on: self.loop_over(on, step.var, more),
            depth,
            below,
            step.item,
            self.literal(MARK + TOO_DEEP),
        )
        return self.rows(step, source, below, numbered=numbered)

    @abstractmethod
    def loop_over(self, level: str, var: str, more: str) -> str:
        """The next level of a repeat: for each `{o, x}` of a level, the children of `x`, numbered, flat."""


def used(expr: Expr) -> set[str]:
    """The variables that an expression reads."""
    if isinstance(expr, Var):
        return {expr.name}
    if isinstance(expr, Field):
        return used(expr.of)
    if isinstance(expr, Lists):
        return used(expr.source)
    if isinstance(expr, Each):
        return used(expr.source) | used(expr.body)
    found: set[str] = set()
    for one in expr.arguments if isinstance(expr, Op) else ():
        found |= used(one)
    return found


def used_by(step: Step) -> set[str]:
    """The variables that a step reads."""
    parts: Sequence[Expr]
    parts = (step.condition,) if isinstance(step, Keep) else (step.source,) if isinstance(step, Unnest) else (step.first, step.more)
    found: set[str] = set()
    for part in parts:
        found |= used(part)
    return found
