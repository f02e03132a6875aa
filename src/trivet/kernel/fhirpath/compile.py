"""An expression and element types to a function that runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trivet.kernel.fhirpath.context import Context
from trivet.kernel.fhirpath.evaluate import evaluate
from trivet.kernel.fhirpath.functions import FUNCTIONS
from trivet.kernel.fhirpath.nodes import Node
from trivet.kernel.fhirpath.parser import parse
from trivet.kernel.fhirpath.types import Types
from trivet.kernel.fhirpath.values import Item, Units

__all__ = ["ask", "compile_path"]


def compile_path(text: str, types: Types) -> Callable[..., list[Item]]:
    """A function of (resource, variables=None, now="", convert=None). Raises PathError when the text does not parse."""
    tree = parse(text)

    def run(resource: Any, variables: Mapping[str, Any] | None = None, *, now: str = "", convert: Units | None = None) -> list[Item]:
        item = resource if isinstance(resource, Item) else types.item("", resource)
        return ask(tree, item, types, item, variables or {}, now=now, convert=convert)

    return run


def ask(
    tree: Node,
    item: Item | None,
    types: Types,
    root: Item | None,
    variables: Mapping[str, Any],
    *,
    now: str = "",
    convert: Units | None = None,
    strict: bool = False,
) -> list[Item]:
    """The items of a tree over one item (or over nothing), inside a resource."""
    given: Sequence[Item] = () if item is None else (item,)
    roots = () if root is None else (root,)
    context = Context(
        types, roots, variables, tuple(given), now=now, convert=convert, strict=strict, functions=FUNCTIONS, evaluate=evaluate
    )
    return evaluate(tree, list(given), context)
