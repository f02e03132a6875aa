"""Published views: named, flat readings of record versions, one SQL file each. In, an engine; out, the same engine that knows them.

A view is written over `record_state`, itself a reading of `record_version` (columns key, type, id, version, subject, person,
valid_at, known_seq, receipt, source, deleted, body), which the caller puts in place. With `history` every version stands
there, with the ledger position that ended it, as features need; without it only the newest of each, as people ask.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from trivet.kernel.digest import digest, sha256
from trivet.kernel.resources import listing, text

if TYPE_CHECKING:
    from trivet.data.engines.duck import DuckEngine

__all__ = ["STATE", "closure", "install", "macros", "published", "types_read", "views_digest"]

STATE = "record_state"
MACROS = ("instant_macro.sql", "code_macro.sql", "known_macro.sql")
KIND = re.compile(r"FROM record_state WHERE type (?:=|IN) ([^)\n]+)")
QUOTED = re.compile(r"'([A-Za-z]+)'")
WORD = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_]+)", re.I)


@cache
def published() -> dict[str, str]:
    """Every shipped view by name, each after those it reads."""
    texts = {name.removesuffix(".sql"): text("trivet.data", "sql", "views", name) for name in listing("trivet.data", "sql/views", ".sql")}
    ordered: dict[str, str] = {}

    def add(name: str) -> None:
        for other in sorted(_read_by(texts[name], texts) - {name}):
            add(other)
        ordered.setdefault(name, texts[name])

    for name in texts:
        add(name)
    return ordered


def _read_by(sql: str, known: dict[str, str]) -> set[str]:
    """Names of views that a statement reads."""
    return {name for name in WORD.findall(sql) if name in known}


def closure(sql: str) -> tuple[str, ...]:
    """The published views that a statement rests on, directly or through others, in order of definition."""
    views = published()
    needed = _read_by(sql, views)
    while more := {other for name in needed for other in _read_by(views[name], views)} - needed:
        needed |= more
    return tuple(name for name in views if name in needed)


@cache
def types_read(names: tuple[str, ...]) -> tuple[str, ...]:
    """The record types that these views read."""
    found = {kind for name in names for listed in KIND.findall(published()[name]) for kind in QUOTED.findall(listed)}
    return tuple(sorted(found))


@cache
def views_digest(names: tuple[str, ...]) -> str:
    """One digest over the text of these views and of the macros they may use."""
    parts = {f"views/{name}": sha256(published()[name].encode()) for name in names}
    return digest(parts | {f"macros/{name}": sha256(text("trivet.data", "sql", "statements", name).encode()) for name in MACROS})


def macros(engine: DuckEngine) -> None:
    """Make the macros that views and features use known to an engine."""
    for name in MACROS:
        engine.macro(text("trivet.data", "sql", "statements", name))


def install(engine: DuckEngine, *, history: bool = False, state: bool = True) -> None:
    """Make every published view known to an engine that already has `record_version`, or, without `state`, `record_state` itself."""
    macros(engine)
    for name, sql in published().items():
        if name != STATE:
            engine.define(name, sql)
        elif state:
            engine.define(name, sql if history else text("trivet.data", "sql", "statements", "record_current.sql"))
