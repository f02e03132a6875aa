"""A syntax tree over a collection gives items. Operators are in `operators`; functions come with the context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from trivet.kernel.fhirpath import operators
from trivet.kernel.fhirpath.context import Context, is_type
from trivet.kernel.fhirpath.nodes import Binary, Call, External, Index, Literal, Member, Node, Special, TypeTest, Unary
from trivet.kernel.fhirpath.parser import PathError
from trivet.kernel.fhirpath.types import Types
from trivet.kernel.fhirpath.values import Item, Quantity, system_item

__all__ = ["evaluate"]

URLS = {"ucum": "http://unitsofmeasure.org", "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}


def evaluate(node: Node, given: Sequence[Item], context: Context) -> list[Item]:
    """The items of a tree over a collection. Raises PathError for what cannot mean anything."""
    if isinstance(node, Literal):
        return [] if node.value is None else [system_item(node.value)]
    if isinstance(node, Member):
        return _member(node, given, context)
    if isinstance(node, Call):
        below = evaluate(node.on, given, context) if node.on is not None else list(given)
        if node.name not in context.functions:
            raise PathError(f"there is no function {node.name}()", node.at)
        return context.functions[node.name](node, below, context)
    if isinstance(node, Binary):
        return operators.binary(node, given, context, evaluate)
    if isinstance(node, Special):
        return _special(node, context)
    if isinstance(node, External):
        return _external(node, context)
    if isinstance(node, Index):
        items, index = evaluate(node.on, given, context), evaluate(node.index, list(context.this) or given, context)
        if not index:
            return []
        place = context.types.system(index[0])
        if len(index) != 1 or not isinstance(place, int) or isinstance(place, bool):
            raise PathError("an index is one whole number", node.at)
        return [items[place]] if 0 <= place < len(items) else []
    if isinstance(node, Unary):
        return _unary(node, evaluate(node.right, given, context), context)
    if isinstance(node, TypeTest):
        items = evaluate(node.left, given, context)
        if len(items) > 1:
            raise PathError(f"{node.operator} takes one item", node.at)
        fits = [item for item in items if is_type(item, node.type, context, node.at, exactly=node.operator == "as")]
        return ([system_item(bool(fits))] if items else []) if node.operator == "is" else fits
    raise PathError(f"no meaning for {type(node).__name__}", node.at)


def _member(node: Member, given: Sequence[Item], context: Context) -> list[Item]:
    types = context.types
    if node.on is None:
        first = given[0] if given else None
        if first is not None and isinstance(first.value, dict) and node.name[:1].isupper() and types.is_a(first.type[5:], node.name):
            return [item for item in given if types.is_a(item.type.removeprefix("FHIR."), node.name)]
        items: Sequence[Item] = given
    else:
        items = evaluate(node.on, given, context)
    if context.strict and items:
        _known(node, items, types)
    return [found for item in items for found in types.get(item, node.name)]


def _known(node: Member, items: Sequence[Item], types: Types) -> None:
    """In strict mode a name that none of the items' types has, or a choice spelt with its type, is refused."""
    kinds = {item.type.removeprefix("FHIR.") for item in items if isinstance(item.value, dict) and item.type.startswith("FHIR.")}
    if kinds and not any(types.resolve(kind, node.name) for kind in kinds):
        raise PathError(f"{' and '.join(sorted(kinds))} has no {node.name}", node.at)
    if any(types.spelt_out(kind, node.name) for kind in kinds if types.resolve(kind, node.name)):
        raise PathError(f"{node.name} is written without its type", node.at)


def _special(node: Special, context: Context) -> list[Item]:
    if node.name == "$this":
        return list(context.this)
    if node.name == "$index":
        if context.index is None:
            raise PathError("$index is known only inside a function that goes through a collection", node.at)
        return [system_item(context.index)]
    return list(context.total)


def _external(node: External, context: Context) -> list[Item]:
    name = node.name
    if name in context.defined:
        return list(context.defined[name])
    if name in ("context", "resource", "rootResource"):
        if name in context.variables:
            value = context.variables[name]
            return [value if isinstance(value, Item) else context.types.item("", value)]
        return list(context.root)
    if name in context.variables:
        value = context.variables[name]
        values = value if isinstance(value, list) else [value]
        return [one if isinstance(one, Item) else _given(one, context) for one in values if one is not None]
    if name in URLS:
        return [system_item(URLS[name])]
    if name.startswith(("vs-", "ext-")):
        kind, _, rest = name.partition("-")
        return [system_item(f"http://hl7.org/fhir/{'ValueSet' if kind == 'vs' else 'StructureDefinition'}/{rest}")]
    raise PathError(f"nobody defined %{name}", node.at)


def _given(value: Any, context: Context) -> Item:
    if isinstance(value, dict):
        return context.types.item("", value)
    if isinstance(value, float):
        value = Decimal(str(value))
    return system_item(value)


def _unary(node: Unary, items: list[Item], context: Context) -> list[Item]:
    if not items:
        return []
    value = context.types.system(items[0])
    if len(items) > 1 or isinstance(value, bool) or not isinstance(value, (int, Decimal, Quantity)):
        raise PathError(f"{node.operator} takes one number", node.at)
    if node.operator == "+":
        return items
    return [system_item(replace(value, value=-value.value) if isinstance(value, Quantity) else -value)]
