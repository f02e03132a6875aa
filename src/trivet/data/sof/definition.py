"""ViewDefinition from plain data to frozen types. Refused: whatever the specification does not allow, by place.

HL7 SQL on FHIR 2.0.0 and 3.0.0-ballot: the canonical that `resourceType` may hold differs, what a view says does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trivet.kernel.errors import DataRejected, Rejected
from trivet.kernel.fhirpath import Node, PathError, parse
from trivet.kernel.fhirpath.temporal import Temporal

__all__ = ["Column", "Select", "View", "ViewError", "read_view"]

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
DATES = {"valueDate": "Date", "valueDateTime": "DateTime", "valueInstant": "DateTime", "valueTime": "Time"}


class ViewError(DataRejected):
    """A view that means nothing, or that does not fit the data: `where` names the place in the view."""

    def __init__(self, what: str, where: str = "") -> None:
        super().__init__(Rejected("E340", what, where, help="trivet view check VIEW.json"), where=where)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `collection` gives a list, otherwise more than one value is an error."""

    name: str
    path: Node
    text: str
    type: str
    collection: bool


@dataclass(frozen=True, slots=True)
class Select:
    """One select: rows for each item of `each` (or a null row when `or_null`), following `repeat` downwards when there is one."""

    columns: tuple[Column, ...]
    inner: tuple[Select, ...]
    union: tuple[Select, ...]
    each: Node | None
    or_null: bool
    repeat: tuple[Node, ...]

    def names(self) -> list[str]:
        """Column names in order of appearance: own, nested, united."""
        own = [column.name for column in self.columns] + [name for one in self.inner for name in one.names()]
        return own + (self.union[0].names() if self.union else [])


@dataclass(frozen=True, slots=True)
class View:
    """A whole view. `constants` are values by name; `where` are conditions that must be true."""

    resource: str
    name: str
    selects: tuple[Select, ...]
    where: tuple[Node, ...]
    constants: Mapping[str, Any]

    def names(self) -> list[str]:
        """Column names in order."""
        return [name for select in self.selects for name in select.names()]

    def columns(self) -> list[Column]:
        """Columns in the order of `names`."""

        def walk(select: Select) -> list[Column]:
            inner = [column for one in select.inner for column in walk(one)]
            return [*select.columns, *inner, *(walk(select.union[0]) if select.union else [])]

        return [column for select in self.selects for column in walk(select)]


def read_view(held: Any) -> View:
    """The view of a ViewDefinition's JSON. Raises ViewError."""
    if not isinstance(held, dict):
        raise ViewError("a view is an object")
    if not str(held.get("resourceType", "ViewDefinition")).endswith("ViewDefinition"):
        raise ViewError("not a ViewDefinition", "resourceType")
    resource, selects = held.get("resource"), held.get("select")
    if not isinstance(resource, str) or not resource:
        raise ViewError("a view names its resource", "resource")
    if not isinstance(selects, list) or not selects:
        raise ViewError("a view selects something", "select")
    constants = {str(one.get("name")): constant(one) for one in held.get("constant", [])}
    where = tuple(path(one.get("path"), f"where[{n}].path") for n, one in enumerate(held.get("where", [])))
    view = View(resource, str(held.get("name", "")), tuple(select(one, f"select[{n}]") for n, one in enumerate(selects)), where, constants)
    names = view.names()
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ViewError(f"two columns are called {twice[0]}")
    return view


def constant(held: Any) -> Any:
    """The value of a constant."""
    values = [(name, value) for name, value in held.items() if name.startswith("value")]
    if "name" not in held or len(values) != 1:
        raise ViewError("a constant has a name and one value", "constant")
    name, value = values[0]
    if name in DATES:
        return Temporal.read(value, DATES[name]) or value
    return Decimal(str(value)) if name == "valueDecimal" else value


def path(text: Any, place: str) -> Node:
    """The tree of a path."""
    if not isinstance(text, str):
        raise ViewError("a path is text", place)
    try:
        return parse(text)
    except PathError as error:
        raise ViewError(f"{error}", place) from None


def select(held: Any, place: str) -> Select:
    """One select with what is inside it."""
    if not isinstance(held, dict):
        raise ViewError("a select is an object", place)
    ways = [name for name in ("forEach", "forEachOrNull", "repeat") if name in held]
    if len(ways) > 1:
        raise ViewError(" and ".join(ways) + " exclude each other", place)
    each = held.get("forEach", held.get("forEachOrNull"))
    columns = tuple(column(one, f"{place}.column[{n}]") for n, one in enumerate(held.get("column", [])))
    inner = tuple(select(one, f"{place}.select[{n}]") for n, one in enumerate(held.get("select", [])))
    union = tuple(select(one, f"{place}.unionAll[{n}]") for n, one in enumerate(held.get("unionAll", [])))
    if union and any(one.names() != union[0].names() for one in union[1:]):
        raise ViewError("the parts of a union have the same columns in the same order", place)
    repeat = tuple(path(one, f"{place}.repeat[{n}]") for n, one in enumerate(held.get("repeat", [])))
    tree = None if each is None and not (ways and ways[0] != "repeat") else path(each, f"{place}.{ways[0]}")
    return Select(columns, inner, union, tree, "forEachOrNull" in held, repeat)


def column(held: Any, place: str) -> Column:
    """One column."""
    if not isinstance(held, dict) or not isinstance(held.get("name"), str):
        raise ViewError("a column has a name", place)
    if not NAME.fullmatch(held["name"]):
        raise ViewError("a column's name is letters, digits and underscores, a letter first", place)
    return Column(
        held["name"], path(held.get("path"), f"{place}.path"), held["path"], str(held.get("type", "")), held.get("collection") is True
    )
