"""A view run row by row over the FHIRPath evaluator: what every engine's answer is held against.

In: a view, resources as plain dicts. Out: rows as tuples in the order of `View.names()`; decimals stay `Decimal`, moments stay the
text they came as. Refused (ViewError): several values where a column takes one, a condition that is no truth value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from trivet.data.sof.definition import Column, Select, View, ViewError
from trivet.kernel.fhirpath import Item, Node, PathError, Types, ask
from trivet.kernel.fhirpath.temporal import Temporal
from trivet.kernel.fhirpath.values import Quantity, system_item

__all__ = ["ViewRunner"]

Row = dict[str, Any]


class ViewRunner:
    """One view over one set of element types."""

    def __init__(self, view: View, types: Types) -> None:
        self.view, self.types = view, types
        self.names = view.names()

    def rows(self, resources: Iterable[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
        """All rows of all resources of the view's type."""
        for resource in resources:
            if resource.get("resourceType") != self.view.resource:
                continue
            root = self.types.item("", resource)
            if all(self._holds(node, root) for node in self.view.where):
                for row in self._product(self.view.selects, root, root, 0):
                    yield tuple(row.get(name) for name in self.names)

    def _ask(self, node: Node, item: Item, root: Item, index: int) -> list[Item]:
        variables = {**self.view.constants, "rowIndex": index}
        try:
            return ask(node, item, self.types, root, variables)
        except PathError as error:
            raise ViewError(str(error)) from None

    def _holds(self, node: Node, root: Item) -> bool:
        found = self._ask(node, root, root, 0)
        values = [self.types.system(item) for item in found]
        if len(values) > 1 or (values and not isinstance(values[0], bool)):
            raise ViewError("a condition of where is a truth value", "where")
        return values == [True]

    def _product(self, selects: Sequence[Select], item: Item, root: Item, index: int) -> list[Row]:
        """Rows of several selects side by side: every combination."""
        rows: list[Row] = [{}]
        for select in selects:
            found = self._select(select, item, root, index)
            rows = [{**left, **right} for left in rows for right in found]
        return rows

    def _select(self, select: Select, item: Item, root: Item, index: int) -> list[Row]:
        if select.repeat:
            items = self._repeat(select.repeat, item, root, index)
        elif select.each is not None:
            items = self._ask(select.each, item, root, index)
        else:
            return self._body(select, item, root, index)
        if not items and select.or_null:
            return self._body(select, None, root, 0)
        return [row for place, one in enumerate(items) for row in self._body(select, one, root, place)]

    def _repeat(self, paths: Sequence[Node], item: Item, root: Item, index: int) -> list[Item]:
        """Everything below, depth first, in document order."""
        out: list[Item] = []
        for path in paths:
            for found in self._ask(path, item, root, index):
                out += [found, *self._repeat(paths, found, root, index)]
        return out

    def _body(self, select: Select, item: Item | None, root: Item, index: int) -> list[Row]:
        own = {column.name: self._value(column, item, root, index) for column in select.columns}
        rows = [{**own, **row} for row in self._product(select.inner, item, root, index)] if item is not None else [own]
        if item is None:
            nothing = dict.fromkeys(select.names())
            return [{**nothing, **own}]
        if not select.union:
            return rows
        united = [row for one in select.union for row in self._select(one, item, root, index)]
        return [{**left, **right} for left in rows for right in united]

    def _value(self, column: Column, item: Item | None, root: Item, index: int) -> Any:
        found = self._ask(column.path, item, root, index) if item is not None else self._absent(column, index)
        if column.collection and item is not None:
            return [plain(self.types.system(one)) for one in found]
        if len(found) > 1:
            raise ViewError(f"{column.name} has several values for one row", column.text)
        return plain(self.types.system(found[0])) if found else None

    def _absent(self, column: Column, index: int) -> list[Item]:
        """A column of a row that stands for nothing: only %rowIndex has a value."""
        return [system_item(index)] if column.text.strip() == "%rowIndex" else []


def plain(value: Any) -> Any:
    """A system value as a row holds it."""
    if isinstance(value, Temporal):
        return value.text.removeprefix("T").removesuffix("T")
    return str(value) if isinstance(value, Quantity) else value
