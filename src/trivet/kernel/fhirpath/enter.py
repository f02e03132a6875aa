"""How a function enters the language: its names, how many arguments it takes, and what it may ask of input and arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from trivet.kernel.fhirpath.context import Context, Function
from trivet.kernel.fhirpath.nodes import Call, Node
from trivet.kernel.fhirpath.parser import PathError
from trivet.kernel.fhirpath.temporal import Temporal
from trivet.kernel.fhirpath.values import Item, system_item

__all__ = ["FUNCTIONS", "argument", "each", "function", "of", "one", "text_of"]

FUNCTIONS: dict[str, Function] = {}


def function(*names: str, least: int = 0, most: int | None = None) -> Callable[[Function], Function]:
    """Enter a function under its names, with the number of arguments it takes."""

    def enter(made: Function) -> Function:
        def checked(node: Call, items: list[Item], context: Context) -> list[Item]:
            if not least <= len(node.arguments) <= (least if most is None else most):
                raise PathError(f"{node.name}() takes other arguments", node.at)
            return made(node, items, context)

        for name in names:
            FUNCTIONS[name] = checked
        return made

    return enter


def of(value: Any) -> list[Item]:
    """A computed value as a collection."""
    return [] if value is None else [system_item(value)]


def each(node: Node, items: Sequence[Item], context: Context) -> list[tuple[Item, list[Item]]]:
    """An argument evaluated once for each item, with $this and $index."""
    return [(item, context.run(node, [item], replace(context, this=(item,), index=n))) for n, item in enumerate(items)]


def argument(node: Call, number: int, context: Context, given: Sequence[Item] = ()) -> Any:
    """The system value of a plain argument; None when it is empty. Refused: several items."""
    if number >= len(node.arguments):
        return None
    found = context.run(node.arguments[number], list(context.this or given), context)
    if len(found) > 1:
        raise PathError(f"{node.name}() takes one value", node.at)
    return context.types.system(found[0]) if found else None


def one(node: Call, items: Sequence[Item], context: Context) -> Any:
    """The system value of the input; None when empty. Refused: several items."""
    if len(items) > 1:
        raise PathError(f"{node.name}() takes one item", node.at)
    return context.types.system(items[0]) if items else None


def text_of(node: Call, items: Sequence[Item], context: Context) -> str | None:
    """The input as text; None when empty. Refused: what is no text."""
    value = one(node, items, context)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Temporal):
        return value.text
    raise PathError(f"{node.name}() works on text", node.at)
