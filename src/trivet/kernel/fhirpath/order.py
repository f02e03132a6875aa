"""sort() of FHIRPath 3.0.0 (ballot): by keys, a leading `-` turns a key round, empty comes first."""

from __future__ import annotations

from dataclasses import replace
from functools import cmp_to_key
from typing import Any

from trivet.kernel.fhirpath.context import Context
from trivet.kernel.fhirpath.nodes import Call, Node, Unary
from trivet.kernel.fhirpath.operators import compare
from trivet.kernel.fhirpath.values import Item

__all__ = ["sorted_items"]


def sorted_items(node: Call, items: list[Item], context: Context) -> list[Item]:
    """Items in order of the keys, or of themselves."""
    keys: list[tuple[Node | None, bool]] = [(None, False)]
    if node.arguments:
        keys = [(one.right, True) if isinstance(one, Unary) and one.operator == "-" else (one, False) for one in node.arguments]

    def value(key: Node | None, item: Item) -> Any:
        if key is None:
            return context.types.system(item)
        found = context.run(key, [item], replace(context, this=(item,)))
        return context.types.system(found[0]) if found else None

    rows = [(item, [value(key, item) for key, _ in keys]) for item in items]

    def order(left: tuple[Item, list[Any]], right: tuple[Item, list[Any]]) -> int:
        for (_, down), one, other in zip(keys, left[1], right[1], strict=True):
            if one is None or other is None:
                step = (one is not None) - (other is not None)
            else:
                step = compare(one, other, context.convert, node.at) or 0
            if step:
                return -step if down else step
        return 0

    return [item for item, _ in sorted(rows, key=cmp_to_key(order))]
