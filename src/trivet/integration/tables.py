"""Mapping tables: CSV files that people approve, and the closed language of their conditions.

A table is a CSV file in `trivet/maps/` (or a site's overlay) with a header. A condition is text in a column:

    OBX-2 in ("NM", "SN") and OBX-5.1 present and not (PV1-45 present and PV1-2 = "I")

Places name source elements, words and quoted texts are values; `=`, `in`, `present`, `and`, `not` and parentheses are all there is.
`parse` refuses anything else (`Fault`), so nothing in a table can run code. `compile_condition` turns it into a closure.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import Any

from trivet.integration.overlay import Row, in_force, overlaid, per_overlay
from trivet.kernel import resources
from trivet.kernel.errors import Fault

__all__ = ["Condition", "Getter", "Row", "Test", "compile_condition", "parse", "places", "read", "table"]

Condition = tuple[Any, ...]
Getter = Callable[..., str]
Test = Callable[..., bool]

_TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([A-Za-z0-9_$@][A-Za-z0-9_.\-\[\]$@]*|\.[0-9][0-9.]*)|([=(),]))')


def _tokens(text: str) -> list[tuple[str, str]]:
    """(kind, text) where kind is `text`, `word` or `sign`."""
    found, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Fault("E210", "a condition in a mapping table cannot be read", where=text, why=f"at character {at + 1}")
        quoted, word, sign = match.groups()
        found.append(("text", quoted) if quoted is not None else ("word", word) if word else ("sign", sign))
        at = match.end()
    return found


def parse(text: str) -> Condition:
    """The syntax tree of a condition: ("and", a, b), ("not", a), ("present", place), ("in", place, values). Raises Fault."""
    tokens = _tokens(text)
    tree, at = _all(tokens, 0, text)
    if at != len(tokens):
        raise Fault("E210", "a condition in a mapping table goes on after its end", where=text, why=f"at {tokens[at][1]!r}")
    return tree


def _all(tokens: list[tuple[str, str]], at: int, text: str) -> tuple[Condition, int]:
    tree, at = _one(tokens, at, text)
    while at < len(tokens) and tokens[at] == ("word", "and"):
        right, at = _one(tokens, at + 1, text)
        tree = ("and", tree, right)
    return tree, at


def _one(tokens: list[tuple[str, str]], at: int, text: str) -> tuple[Condition, int]:
    def take(index: int) -> tuple[str, str]:
        if index >= len(tokens):
            raise Fault("E210", "a condition in a mapping table ends too early", where=text)
        return tokens[index]

    kind, word = take(at)
    if (kind, word) == ("word", "not"):
        inner, at = _one(tokens, at + 1, text)
        return ("not", inner), at
    if (kind, word) == ("sign", "("):
        inner, at = _all(tokens, at + 1, text)
        if take(at) != ("sign", ")"):
            raise Fault("E210", "a parenthesis in a mapping table never closes", where=text)
        return inner, at + 1
    if kind != "word":
        raise Fault("E210", "a condition in a mapping table must begin with a place", where=text, why=f"found {word!r}")
    verb = take(at + 1)
    if verb == ("word", "present"):
        return ("present", word), at + 2
    if verb == ("sign", "="):
        return ("in", word, (_value(take(at + 2), text),)), at + 3
    if verb == ("word", "in") and take(at + 2) == ("sign", "("):
        values, at = [], at + 3
        while True:
            values.append(_value(take(at), text))
            if take(at + 1) == ("sign", ")"):
                return ("in", word, tuple(values)), at + 2
            if take(at + 1) != ("sign", ","):
                raise Fault("E210", "values in a mapping table are separated by commas", where=text)
            at += 2
    raise Fault("E210", "a condition in a mapping table has an unknown verb", where=text, why=f"found {verb[1]!r}")


def _value(token: tuple[str, str], text: str) -> str:
    if token[0] == "sign":
        raise Fault("E210", "a condition in a mapping table lacks a value", where=text)
    return token[1]


def places(tree: Condition) -> list[str]:
    """Every place a condition reads."""
    if tree[0] == "and":
        return places(tree[1]) + places(tree[2])
    return places(tree[1]) if tree[0] == "not" else [tree[1]]


def compile_condition(tree: Condition, bind: Callable[[str], Getter]) -> Test:
    """A closure of the tree. `bind` turns a place into a getter; test and getters take the same arguments."""
    if tree[0] == "and":
        left, right = compile_condition(tree[1], bind), compile_condition(tree[2], bind)
        return lambda *args: left(*args) and right(*args)
    if tree[0] == "not":
        inner = compile_condition(tree[1], bind)
        return lambda *args: not inner(*args)
    get = bind(tree[1])
    if tree[0] == "present":
        return lambda *args: bool(get(*args))
    values = frozenset(tree[2])
    return lambda *args: get(*args) in values


@per_overlay
def table(path: str, *columns: str) -> tuple[Row, ...]:
    """The rows of a shipped table, `table("hl7v2/messages.csv", "segment", ...)`, under the site's overlay if one is in force.

    Raises Fault when a named column is missing.
    """
    site = in_force()
    added = site.rows.get(path) if site is not None else None
    folder, _, name = path.rpartition("/")
    if added is not None and name not in resources.listing("trivet.maps", folder, ".csv"):
        return tuple({**dict.fromkeys(columns, ""), **row} for row in added)  # a table that only the site has
    ours = read(resources.text("trivet.maps", *path.split("/")), path, columns)
    return ours if added is None else overlaid(path, ours, added)


def read(text: str, path: str, columns: Sequence[str]) -> tuple[Row, ...]:
    """The rows of a table. Raises Fault when a column is missing or a row has too many cells."""
    lines = csv.DictReader(io.StringIO(text, newline=""))
    missing = set(columns) - set(lines.fieldnames or ())
    if missing:
        raise Fault("E211", "a mapping table lacks a column", where=path, why=", ".join(sorted(missing)))
    rows = []
    for row in lines:
        if None in row:
            raise Fault("E211", "a row of a mapping table has too many cells", where=f"{path} line {lines.line_num}")
        rows.append({key: (value or "").strip() for key, value in row.items()})
    return tuple(rows)
