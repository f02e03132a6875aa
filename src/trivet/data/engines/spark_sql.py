"""Spark's words for a plan (Spark 4.0 and later, ANSI mode).

Spark's JSON readers write numbers anew (`1.10` comes back as `1.1`, whatever the target type; `from_json` of Spark 4.1 still does).
So where a view reads decimals, every number of the text is put in quotation marks first: one regular expression that walks the
tokens from the start (`\\G`), takes whole strings as they are, and never backtracks. Arrays are read with `get`, rows made with
`explode`, places counted from 0: the three traps of ANSI bounds, outer explode and ordinality do not arise.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from trivet.data.engines.sql_emitter import MARK, SHARED, Emitter
from trivet.data.engines.sql_shared import Words, numbers_and_moments
from trivet.data.sof.plan import Repeat, Shape, Unnest

__all__ = ["SparkSql"]

NUMBERS = r"""\G((?:"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^"\-0-9])*+)(-?[0-9][0-9.eE+\-]*+)"""


def only(items: str, message: str) -> str:
    """The one item of a list."""
    return f"CASE WHEN size({items}) > 1 THEN raise_error({message}) ELSE get({items}, 0) END"


def reference_key(text: str, wanted: str) -> str:
    """`Patient/1` out of a reference, of any server and version."""
    key = f"nullif(regexp_extract(regexp_replace({text}, '/_history/[^/]*$', ''), '[^/]*/[^/]*$', 0), '')"
    return key if wanted == "''" else f"CASE WHEN startswith({key}, {wanted} || '/') THEN {key} END"


def substring(text: str, start: str, length: str = "") -> str:
    """A part that begins inside."""
    size = f", CAST(greatest({length}, 0) AS INT)" if length else ""
    return f"CASE WHEN {start} >= 0 AND {start} < length({text}) THEN substr({text}, CAST({start} + 1 AS INT){size}) END"


class SparkSql(Emitter):
    """Spark 4."""

    text_type = "STRING"

    def __init__(self) -> None:
        super().__init__()
        words = Words(
            text="STRING",
            whole="DECIMAL(19,0)",
            matches=lambda x, pattern: f"({x} RLIKE '^({pattern})$')",
            stop=lambda message: f"raise_error({self.literal(MARK + message)})",
            find=lambda x, part: f"instr({x}, {self.literal(part)})",
            quotient=lambda a, b: f"({a} DIV {b})",
            moved=lambda start, minutes: (
                f"replace(CAST(timestampadd(MINUTE, {minutes}, CAST({start} AS TIMESTAMP_NTZ)) AS STRING), ' ', 'T')"
            ),
            rtrim=lambda x, part: f"trim(TRAILING '{part}' FROM {x})",
            let=self.let,
        )
        self.operations = {**SHARED, **numbers_and_moments(words), **LISTS}

    def literal(self, text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def list_type(self, type_: str) -> str:
        return f"ARRAY<{type_}>"

    def bound(self, name: str, value: str, body: str) -> str:
        return f"get(transform(array({value}), {name} -> {body}), 0)"

    def parsed(self, text: str, shape: Shape, *, exact: bool = False) -> str:
        held = f"regexp_replace({text}, {self.literal(NUMBERS)}, '$1\"$2\"')" if exact else text
        return f"from_json({held}, {self.literal(self.schema(shape))})"

    def schema(self, shape: Shape) -> str:
        """The schema argument of from_json: every leaf a string."""
        inner = "STRING"
        if shape.members:
            members = (f"{self.quoted(name)}: {'STRING' if one.raw else self.schema(one)}" for name, one in shape.members.items())
            inner = f"STRUCT<{', '.join(members)}>"
        return f"ARRAY<{inner}>" if shape.many else inner

    def place(self, name: str) -> str:
        return name

    def loop(self, kind: str, source: str, var: str, index: str, body: str) -> str:
        name = "transform" if kind == "map" else "filter"
        return f"{name}({source}, {f'({var}, {index})' if index else var} -> {body})"

    def base(self, resource: str, parsed: str, source: str, message: str) -> str:
        kept = (
            f"WHEN _p.`resourceType` = {self.literal(resource)} THEN array(_p) WHEN _p.`resourceType` IS NULL THEN raise_error({message})"
        )
        return f"SELECT explode(CASE {kept} END) AS _r FROM (SELECT {parsed} AS _p FROM {source})"

    def rows(self, step: Unnest | Repeat, source: str, below: str, *, numbered: bool) -> str:
        if not numbered and not step.present:
            return f"SELECT *, explode({source}) AS {step.item}\nFROM ({below})"
        held = f"{step.item}_l"
        source = f"CASE WHEN {step.within} THEN {source} END" if step.within else source
        below = f"SELECT *, {source} AS {held} FROM ({below})"
        nothing = f"coalesce(size({held}), 0) <= 0" if getattr(step, "or_null", False) else f"NOT {step.within}" if step.within else "FALSE"
        rows = f"CASE WHEN {nothing} THEN array(NULL) ELSE {held} END"
        parts = [f"posexplode({rows}) AS ({step.index}, {step.item})" if numbered else f"explode({rows}) AS {step.item}"]
        if step.present:
            parts.append(f"NOT ({nothing}) AS {step.present}")
        return f"SELECT *, {', '.join(parts)}\nFROM ({below})"

    def levels(self, first: str, more: Callable[[str], str], depth: int, below: str, name: str, message: str) -> tuple[str, str]:
        levels = [f"{name}_{number}" for number in range(depth + 1)]
        start = f"transform({first}, (_c, _n) -> struct(array(_n) AS o, _c AS x))"
        below = f"SELECT *, coalesce({start}, array()) AS {levels[0]} FROM ({below})"
        for before, level in pairwise(levels):
            below = f"SELECT *, {more(before)} AS {level} FROM ({below})"
        everything = f"flatten(array({', '.join(levels[:-1])}))"
        stop = f"CASE WHEN size({levels[-1]}) > 0 THEN raise_error({message}) ELSE {everything} END"
        return f"transform(array_sort({stop}), _e -> _e.x)", below

    def loop_over(self, level: str, var: str, more: str) -> str:
        inner = f"transform({more}, (_c, _n) -> struct(concat(_e.o, array(_n)) AS o, _c AS x))"
        inner = self.bound(var, "_e.x", inner)
        return f"flatten(transform({level}, _e -> coalesce({inner}, array())))"


LISTS: dict[str, Callable[..., str]] = {
    "nothing": lambda: "CAST(array() AS ARRAY<STRING>)",
    "listed": lambda x: f"CASE WHEN {x} IS NULL THEN array() ELSE array({x}) END",
    "list_or_empty": lambda x: f"coalesce({x}, array())",
    "only": only,
    "first": lambda x: f"get({x}, 0)",
    "last": lambda x: f"try_element_at({x}, -1)",
    "at": lambda x, place: f"CASE WHEN {place} >= 0 THEN get({x}, CAST({place} AS INT)) END",
    "count": lambda x: f"CAST(coalesce(array_size({x}), 0) AS BIGINT)",
    "filled": lambda x: f"(coalesce(size({x}), 0) > 0)",
    "compact": lambda x: f"filter({x}, _c -> _c IS NOT NULL)",
    "flatten": lambda x: f"flatten(filter({x}, _c -> _c IS NOT NULL))",
    "skip": lambda x, n: f"slice({x}, CAST({n} + 1 AS INT), greatest(size({x}), 0))",
    "take": lambda x, n: f"slice({x}, 1, CAST({n} AS INT))",
    "append": lambda *xs: f"flatten(filter(array({', '.join(xs)}), _c -> _c IS NOT NULL))",
    "distinct": lambda x: f"array_distinct({x})",
    "join": lambda x, mark: f"coalesce(array_join({x}, {mark}), '')",
    "startsWith": lambda a, b: f"startswith({a}, {b})",
    "endsWith": lambda a, b: f"endswith({a}, {b})",
    "indexOf": lambda a, b: f"CAST(instr({a}, {b}) - 1 AS BIGINT)",
    "substring": substring,
    "reference_key": reference_key,
}
