"""DuckDB's words for a plan.

JSON text is read by `json_transform`, which keeps every digit when one target of its structure is a DECIMAL (DuckDB 2.0;
`tests/unit/data/test_duck.py` watches it): so each structure has one more member that no FHIR element is called. The text is
parsed once, below an `unnest`, because the optimizer copies an expression into every filter and projection above it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from trivet.data.engines.sql_emitter import MARK, SHARED, Emitter
from trivet.data.engines.sql_shared import Words, numbers_and_moments
from trivet.data.sof.plan import Repeat, Shape, Unnest

__all__ = ["DuckSql"]

EXACT = {" exact": "DECIMAL(1,0)"}


def only(items: str, message: str) -> str:
    """The one item of a list."""
    return f"CASE WHEN len({items}) > 1 THEN error({message}) ELSE {items}[1] END"


def reference_key(text: str, wanted: str) -> str:
    """`Patient/1` out of a reference, of any server and version."""
    key = f"nullif(regexp_extract(regexp_replace({text}, '/_history/[^/]*$', ''), '[^/]*/[^/]*$'), '')"
    return key if wanted == "''" else f"CASE WHEN starts_with({key}, {wanted} || '/') THEN {key} END"


def substring(text: str, start: str, length: str = "") -> str:
    """A part that begins inside."""
    size = f", greatest({length}, 0)" if length else ""
    return f"CASE WHEN {start} >= 0 AND {start} < length({text}) THEN substr({text}, {start} + 1{size}) END"


class DuckSql(Emitter):
    """DuckDB 2.0 and later."""

    text_type = "VARCHAR"

    def __init__(self) -> None:
        super().__init__()
        words = Words(
            text="VARCHAR",
            whole="HUGEINT",
            matches=lambda x, pattern: f"regexp_full_match({x}, '{pattern}')",
            stop=lambda message: f"error({self.literal(MARK + message)})",
            find=lambda x, part: f"strpos({x}, {self.literal(part)})",
            quotient=lambda a, b: f"({a} // {b})",
            moved=lambda start, minutes: f"replace(CAST(CAST({start} AS TIMESTAMP) + to_minutes({minutes}) AS VARCHAR), ' ', 'T')",
            rtrim=lambda x, part: f"rtrim({x}, '{part}')",
            let=self.let,
        )
        self.operations = {**SHARED, **numbers_and_moments(words), **LISTS}

    def literal(self, text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    def quoted(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def list_type(self, type_: str) -> str:
        return f"{type_}[]"

    def bound(self, name: str, value: str, body: str) -> str:
        return f"list_transform([{value}], lambda {name}: {body})[1]"

    def parsed(self, text: str, shape: Shape, *, exact: bool = False) -> str:
        return f"json_transform({text}, {self.literal(json.dumps(structure(shape), ensure_ascii=False))})"

    def place(self, name: str) -> str:
        return f"({name} - 1)"

    def loop(self, kind: str, source: str, var: str, index: str, body: str) -> str:
        name = "list_transform" if kind == "map" else "list_filter"
        return f"{name}({source}, lambda {var}{', ' + index if index else ''}: {body})"

    def base(self, resource: str, parsed: str, source: str, message: str) -> str:
        kept = f'CASE WHEN _p."resourceType" = {self.literal(resource)} THEN [_p] WHEN _p."resourceType" IS NULL THEN error({message}) END'
        return f"SELECT unnest({kept}) AS _r FROM (SELECT {parsed} AS _p FROM {source})"

    def rows(self, step: Unnest | Repeat, source: str, below: str, *, numbered: bool) -> str:
        if not numbered and not step.present:
            return f"SELECT *, unnest({source}) AS {step.item}\nFROM ({below})"
        held = f"{step.item}_l"
        source = f"CASE WHEN {step.within} THEN {source} END" if step.within else source
        below = f"SELECT *, {source} AS {held} FROM ({below})"
        nothing = f"coalesce(len({held}), 0) = 0" if getattr(step, "or_null", False) else f"NOT {step.within}" if step.within else "FALSE"
        parts = [f"unnest(CASE WHEN {nothing} THEN [NULL] ELSE {held} END) AS {step.item}"]
        if numbered:
            parts.append(f"unnest(CASE WHEN {nothing} THEN [0] ELSE range(len({held})) END) AS {step.index}")
        if step.present:
            parts.append(f"NOT ({nothing}) AS {step.present}")
        return f"SELECT *, {', '.join(parts)}\nFROM ({below})"

    def levels(self, first: str, more: Callable[[str], str], depth: int, below: str, name: str, message: str) -> tuple[str, str]:
        levels = [f"{name}_{number}" for number in range(depth + 1)]
        start = f"list_transform({first}, lambda _c, _n: {{'o': [_n], 'x': _c}})"
        below = f"SELECT *, {start} AS {levels[0]} FROM ({below})"
        for before, level in pairwise(levels):
            below = f"SELECT *, {more(before)} AS {level} FROM ({below})"
        everything = f"flatten([{', '.join(levels[:-1])}])"
        stop = f"CASE WHEN len({levels[-1]}) > 0 THEN error({message}) ELSE {everything} END"
        return f"list_transform(list_sort({stop}), lambda _e: _e.x)", below

    def loop_over(self, level: str, var: str, more: str) -> str:
        inner = f"list_transform({more}, lambda _c, _n: {{'o': list_append(_e.o, _n), 'x': _c}})"
        inner = self.bound(var, "_e.x", inner)
        return f"flatten(list_transform({level}, lambda _e: {inner}))"


LISTS: dict[str, Callable[..., str]] = {
    "nothing": lambda: "CAST([] AS VARCHAR[])",
    "listed": lambda x: f"CASE WHEN {x} IS NULL THEN [] ELSE [{x}] END",
    "list_or_empty": lambda x: f"coalesce({x}, [])",
    "only": only,
    "first": lambda x: f"({x})[1]",
    "last": lambda x: f"({x})[-1]",
    "at": lambda x, place: f"CASE WHEN {place} >= 0 THEN ({x})[{place} + 1] END",
    "count": lambda x: f"CAST(coalesce(len({x}), 0) AS BIGINT)",
    "filled": lambda x: f"(coalesce(len({x}), 0) > 0)",
    "compact": lambda x: f"list_filter({x}, lambda _c: _c IS NOT NULL)",
    "flatten": lambda x: f"flatten({x})",
    "skip": lambda x, n: f"({x})[{n} + 1:]",
    "take": lambda x, n: f"({x})[1:{n}]",
    "append": lambda *xs: f"flatten([{', '.join(xs)}])",
    "distinct": lambda x: f"list_filter({x}, lambda _c, _n: list_position({x}, _c) = _n)",
    "join": lambda x, mark: f"coalesce(array_to_string({x}, {mark}), '')",
    "startsWith": lambda a, b: f"starts_with({a}, {b})",
    "endsWith": lambda a, b: f"ends_with({a}, {b})",
    "indexOf": lambda a, b: f"CAST(strpos({a}, {b}) - 1 AS BIGINT)",
    "substring": substring,
    "reference_key": reference_key,
}


def structure(shape: Shape, *, exact: bool = True) -> Any:
    """The structure argument of json_transform; one DECIMAL in it keeps the digits of all."""
    inner: Any = "VARCHAR"
    if shape.members:
        members = {name: "JSON" if one.raw else structure(one, exact=False) for name, one in shape.members.items()}
        inner = members | EXACT if exact else members
    return [inner] if shape.many else inner
