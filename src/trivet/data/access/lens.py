"""What one caller sees of the published relations: which may be named, which columns are blank, whose rows are left out.

In: a caller, the SQL they typed. Out: the relations it names with what is to be done to each; refused (E292) when it names one that the
policies keep from them, or anything that is not published. A relation or column that no table speaks of is not read through a lens.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from trivet.contracts.access import Caller
from trivet.data.access.decider import Decider, table
from trivet.kernel.errors import Refused, Usage

__all__ = ["Lens", "named"]

TABLE_FUNCTIONS = {"unnest", "range", "generate_series"}
PERSONAL = {"pseudonymous", "financial", "clinical", "identifying"}
FORBIDDEN = {"query", "query_table", "getenv", "current_setting", "json_execute_serialized_sql", "getvariable"}


@dataclass(frozen=True, slots=True)
class View:
    """One relation through a lens: columns that are blank, and whether its rows speak of persons."""

    blank: frozenset[str]
    personal: bool


class Lens:
    """`refused` are persons whose rows are left out. For the record, once `views` was asked: the `policies` and `obligations` that decided,
    and whether any relation that was named is `personal`."""

    def __init__(self, decider: Decider, caller: Caller, refused: Iterable[str]) -> None:
        self.decider, self.caller, self.refused = decider, caller, frozenset(refused)
        self.sorts: dict[str, dict[str, str]] = {}
        for row in table("relations.csv"):
            self.sorts.setdefault(row["relation"], {})[row["column"]] = row["sort"]
        self.policies: set[str] = set()
        self.obligations: set[str] = set()
        self.personal = False

    def views(self, sql: str) -> dict[str, View]:
        """The relations that a statement names. Refused E292, Usage for what cannot be parsed."""
        found: dict[str, View] = {}
        for name in sorted(named(sql)):
            columns = self.sorts.get(name)
            if columns is None:
                raise Refused("E292", f"{name} is not published", why="not in maps/access/relations.csv", help="docs/reference/views.md")
            allowed = {sort: self._allowed(sort) for sort in sorted(set(columns.values()))}
            if not allowed[columns["*"]]:
                raise Refused(
                    "E292",
                    f"{self.caller.role} may not read {name} for {self.caller.purpose}",
                    failed=(columns["*"],),
                    why=f"it is {columns['*']}, and no policy permits that" + ("" if self.caller.reason else " without a reason"),
                    help='--role ROLE --purpose PURPOSE --reason "..."',
                )
            blank = frozenset(column for column, sort in columns.items() if column != "*" and not allowed[sort])
            found[name] = View(blank, columns["*"] in PERSONAL)
        self.personal = any(view.personal for view in found.values())
        return found

    def _allowed(self, sort: str) -> bool:
        ruling = self.decider.ask(self.caller, sort)
        if ruling.allowed:
            self.policies.update(ruling.policies)
            self.obligations.update(ruling.obligations)
        return ruling.allowed


def named(sql: str) -> set[str]:
    """The relations that a SELECT reads, common table expressions left out. Usage for what is not read through a lens."""
    connection = duckdb.connect(":memory:")
    try:
        rows = connection.execute("select json_serialize_sql(?)", [sql]).fetchall()
    except duckdb.Error as error:
        raise Usage("E330", "the query was not understood", why=type(error).__name__) from None
    finally:
        connection.close()
    tree = json.loads(rows[0][0])
    if tree.get("error"):
        raise Usage("E330", "the query was not understood", why=str(tree.get("error_message", ""))[:200])
    return set(_relations(tree["statements"], frozenset()))


def _relations(node: Any, own: frozenset[str]) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _relations(one, own)
        return
    if not isinstance(node, Mapping):
        return
    kind = node.get("type")
    if kind == "TABLE_FUNCTION" and _function(node.get("function", {})) not in TABLE_FUNCTIONS:
        raise Usage("E330", f"{_function(node.get('function', {}))} is not read through a lens", why="tables are named, not computed")
    if node.get("class") == "FUNCTION" and _function(node) in FORBIDDEN:
        raise Usage("E330", f"{_function(node)} is not read through a lens", why="it looks past what is published")
    if kind == "BASE_TABLE":
        name = str(node.get("table_name", "")).lower()
        if node.get("schema_name") or node.get("catalog_name"):
            raise Usage("E330", "relations are named without a schema", why=f"{node.get('schema_name')}.{name}")
        if name not in own:
            yield name
    held = node.get("cte_map") or {}
    names = frozenset(str(entry.get("key", "")).lower() for entry in held.get("map", ()) if isinstance(entry, Mapping))
    for entry in held.get("map", ()):
        # an expression of its own name reads the relation; only a recursive one reads itself
        recursive = "RECURSIVE" in json.dumps(entry)
        inner = names if recursive else names - {str(entry.get("key", "")).lower()}
        yield from _relations(entry, own | inner)
    for key, one in node.items():
        if key != "cte_map":
            yield from _relations(one, own | names)


def _function(node: Mapping[str, Any]) -> str:
    return str(node.get("function_name", "")).lower()
