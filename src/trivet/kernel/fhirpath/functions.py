"""Functions of FHIRPath 2.0.0 (section 5) and of FHIR R4 (extension, hasValue, resolve keys, boundaries).

A function is looked up by name in `FUNCTIONS`; its arguments are syntax trees, because some of them are conditions that run
once for each item. An unknown name is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from trivet.kernel.fhirpath import scalars
from trivet.kernel.fhirpath.context import Context, is_type
from trivet.kernel.fhirpath.convert import CONVERSIONS
from trivet.kernel.fhirpath.enter import FUNCTIONS, argument, each, function, of, one
from trivet.kernel.fhirpath.nodes import Call, Member, Node
from trivet.kernel.fhirpath.operators import distinct, equal_items, truth
from trivet.kernel.fhirpath.order import sorted_items
from trivet.kernel.fhirpath.parser import PathError
from trivet.kernel.fhirpath.temporal import Temporal
from trivet.kernel.fhirpath.values import Item, system_item

__all__ = ["FUNCTIONS", "scalars"]

LIMIT = 100_000  # items that repeat() may gather before it is called endless


def type_argument(node: Call) -> str:
    """`System.String` out of an argument that is a type name."""
    names: list[str] = []
    tree: Node | None = node.arguments[0]
    while isinstance(tree, Member):
        names.insert(0, tree.name)
        tree = tree.on
    if tree is not None or not names:
        raise PathError(f"{node.name}() takes the name of a type", node.at)
    return ".".join(names)


# -- existence (5.1)


@function("empty")
def _empty(node: Call, items: list[Item], context: Context) -> list[Item]:
    return of(not items)


@function("exists", most=1)
def _exists(node: Call, items: list[Item], context: Context) -> list[Item]:
    return of(bool(_where(node, items, context) if node.arguments else items))


@function("all", least=1)
def _all(node: Call, items: list[Item], context: Context) -> list[Item]:
    return of(all(truth(found, context.types, node.at) is True for _, found in each(node.arguments[0], items, context)))


def booleans(node: Call, items: list[Item], context: Context) -> list[bool]:
    """The input as truth values. Refused: anything else."""
    values = [context.types.system(item) for item in items]
    if not all(isinstance(value, bool) for value in values):
        raise PathError(f"{node.name}() works on truth values", node.at)
    return values


for _name, _made in {"allTrue": all, "anyTrue": any}.items():
    FUNCTIONS[_name] = lambda node, items, context, made=_made: of(made(booleans(node, items, context)))  # type: ignore[misc]
FUNCTIONS["allFalse"] = lambda node, items, context: of(not any(booleans(node, items, context)))
FUNCTIONS["anyFalse"] = lambda node, items, context: of(not all(booleans(node, items, context)))


@function("subsetOf", "supersetOf", least=1)
def _subset(node: Call, items: list[Item], context: Context) -> list[Item]:
    other = context.run(node.arguments[0], list(context.this) or items, context)
    small, large = (items, other) if node.name == "subsetOf" else (other, items)
    return of(all(any(equal_items(item, held, context) is True for held in large) for item in small))


@function("count")
def _count(node: Call, items: list[Item], context: Context) -> list[Item]:
    return of(len(items))


@function("distinct")
def _distinct(node: Call, items: list[Item], context: Context) -> list[Item]:
    return distinct(items, context)


@function("isDistinct")
def _is_distinct(node: Call, items: list[Item], context: Context) -> list[Item]:
    return of(len(distinct(items, context)) == len(items))


@function("not")
def _not(node: Call, items: list[Item], context: Context) -> list[Item]:
    value = truth(items, context.types, node.at)
    return of(None if value is None else not value)


# -- filtering and projection (5.2)


@function("where", least=1)
def _where(node: Call, items: list[Item], context: Context) -> list[Item]:
    return [item for item, found in each(node.arguments[0], items, context) if truth(found, context.types, node.at) is True]


@function("select", least=1)
def _select(node: Call, items: list[Item], context: Context) -> list[Item]:
    return [inner for _, found in each(node.arguments[0], items, context) for inner in found]


@function("repeat", least=1)
def _repeat(node: Call, items: list[Item], context: Context) -> list[Item]:
    out: list[Item] = []
    fresh = list(items)
    while fresh:
        found = [inner for _, some in each(node.arguments[0], fresh, context) for inner in some]
        fresh = []
        for item in found:
            if not any(item.value is held.value or equal_items(item, held, context) is True for held in out):
                out.append(item)
                fresh.append(item)
        if len(out) > LIMIT:
            raise PathError("repeat() finds no end", node.at)
    return out


@function("ofType", "as", least=1)
def _of_type(node: Call, items: list[Item], context: Context) -> list[Item]:
    name = type_argument(node)
    if node.name == "as" and len(items) > 1:
        raise PathError("as() takes one item", node.at)
    found = [item for item in items if is_type(item, name, context, node.at, exactly=True)]
    if not items:
        is_type(Item("", "System.String"), name, context, node.at)
    return found


@function("is", least=1)
def _is(node: Call, items: list[Item], context: Context) -> list[Item]:
    if len(items) > 1:
        raise PathError("is() takes one item", node.at)
    return of(is_type(items[0], type_argument(node), context, node.at)) if items else []


# -- subsetting (5.3)


@function("single")
def _single(node: Call, items: list[Item], context: Context) -> list[Item]:
    if len(items) > 1:
        raise PathError("single() found several items", node.at)
    return items


@function("first", "last", "tail")
def _ends(node: Call, items: list[Item], context: Context) -> list[Item]:
    return items[1:] if node.name == "tail" else items[:1] if node.name == "first" else items[-1:]


@function("skip", "take", least=1)
def _cut(node: Call, items: list[Item], context: Context) -> list[Item]:
    number = argument(node, 0, context, items)
    if not isinstance(number, int) or isinstance(number, bool):
        raise PathError(f"{node.name}() takes a whole number", node.at)
    number = max(number, 0)
    return items[number:] if node.name == "skip" else items[:number]


@function("intersect", "exclude", least=1)
def _sets(node: Call, items: list[Item], context: Context) -> list[Item]:
    other = context.run(node.arguments[0], list(context.this) or items, context)
    held = [item for item in items if any(equal_items(item, one_, context) is True for one_ in other) == (node.name == "intersect")]
    return distinct(held, context) if node.name == "intersect" else held


@function("union", "combine", least=1, most=2)
def _join(node: Call, items: list[Item], context: Context) -> list[Item]:
    both = [*items, *context.run(node.arguments[0], list(context.this) or items, context)]
    return distinct(both, context) if node.name == "union" else both


# -- control, trees, aggregates


@function("iif", least=2, most=3)
def _iif(node: Call, items: list[Item], context: Context) -> list[Item]:
    if len(items) > 1:
        raise PathError("iif() takes one item", node.at)
    inner = replace(context, this=tuple(items)) if items else context
    condition = context.run(node.arguments[0], items, inner)
    if condition and not isinstance(context.types.system(condition[0]), bool):
        raise PathError("the condition of iif() is a truth value", node.at)
    if truth(condition, context.types, node.at) is True:
        return context.run(node.arguments[1], items, inner)
    return context.run(node.arguments[2], items, inner) if len(node.arguments) > 2 else []


@function("children")
def _children(node: Call, items: list[Item], context: Context) -> list[Item]:
    return [child for item in items for child in context.types.children(item)]


@function("descendants")
def _descendants(node: Call, items: list[Item], context: Context) -> list[Item]:
    out: list[Item] = []
    fresh = items
    while fresh:
        fresh = _children(node, fresh, context)
        out += fresh
    return out


@function("aggregate", least=1, most=2)
def _aggregate(node: Call, items: list[Item], context: Context) -> list[Item]:
    total = context.run(node.arguments[1], items, context) if len(node.arguments) > 1 else []
    for n, item in enumerate(items):
        total = context.run(node.arguments[0], [item], replace(context, this=(item,), index=n, total=tuple(total)))
    return total


@function("trace", least=1, most=2)
def _trace(node: Call, items: list[Item], context: Context) -> list[Item]:
    return items  # where values would go, patients' values would go too


@function("now", "today", "timeOfDay")
def _now(node: Call, items: list[Item], context: Context) -> list[Item]:
    if not context.now:
        raise PathError(f"{node.name}() has no clock here", node.at)
    day, _, time = context.now.replace("Z", "+00:00").partition("T")
    if node.name == "today":
        return of(Temporal.read(day))
    if node.name == "timeOfDay":
        return of(Temporal.read("T" + time[:12]))
    return of(Temporal.read(f"{day}T{time[:12]}{time[-6:]}" if len(time) > 12 else context.now))


@function("type")
def _type(node: Call, items: list[Item], context: Context) -> list[Item]:
    out = []
    for item in items:
        space, name = item.type.split(".", 1)
        out.append(Item({"namespace": space, "name": name.rpartition(".")[2] if space == "System" else name}, "System.ClassInfo"))
    return out


@function("defineVariable", least=1, most=2)
def _define(node: Call, items: list[Item], context: Context) -> list[Item]:
    raise PathError("defineVariable() is not offered", node.at)


# -- FHIR


@function("extension", least=1)
def _extension(node: Call, items: list[Item], context: Context) -> list[Item]:
    url = argument(node, 0, context, items)
    found = [inner for item in items for inner in context.types.get(item, "extension")]
    return [item for item in found if isinstance(item.value, dict) and item.value.get("url") == url]


@function("hasValue")
def _has_value(node: Call, items: list[Item], context: Context) -> list[Item]:
    return of(len(items) == 1 and items[0].value is not None and not isinstance(items[0].value, (dict, list)))


@function("getValue")
def _get_value(node: Call, items: list[Item], context: Context) -> list[Item]:
    value = one(node, items, context)
    return [] if value is None or isinstance(value, dict) else of(value)


@function("resolve")
def _resolve(node: Call, items: list[Item], context: Context) -> list[Item]:
    out = []
    for item in items:
        target = item.value.get("reference", "") if isinstance(item.value, dict) else str(item.value)
        for root in context.root:
            held = root.value.get("contained", []) if isinstance(root.value, dict) else []
            out += [context.types.item("", inner) for inner in held if target == "#" + str(inner.get("id", ""))]
    return out


@function("conformsTo", least=1)
def _conforms(node: Call, items: list[Item], context: Context) -> list[Item]:
    url = argument(node, 0, context, items)
    base = "http://hl7.org/fhir/StructureDefinition/"
    if not isinstance(url, str) or not url.startswith(base) or not context.types.known(url.removeprefix(base)):
        raise PathError(f"no definition of {url}", node.at)
    return of(len(items) == 1 and context.types.is_a(items[0].type.removeprefix("FHIR."), url.removeprefix(base)))


@function("getResourceKey")
def _resource_key(node: Call, items: list[Item], context: Context) -> list[Item]:
    return [
        system_item(f"{item.value['resourceType']}/{item.value['id']}")
        for item in items
        if isinstance(item.value, dict) and "id" in item.value
    ]


@function("getReferenceKey", most=1)
def _reference_key(node: Call, items: list[Item], context: Context) -> list[Item]:
    wanted = type_argument(node).removeprefix("FHIR.") if node.arguments else ""
    out = []
    for item in items:
        parts = str(item.value.get("reference", "")).split("/_history/")[0].split("/") if isinstance(item.value, dict) else []
        if len(parts) >= 2 and (not wanted or parts[-2] == wanted):
            out.append(system_item(f"{parts[-2]}/{parts[-1]}"))
    return out


@function("sort", most=9)
def _sort(node: Call, items: list[Item], context: Context) -> list[Item]:
    return sorted_items(node, items, context)


for _name, _conversion in CONVERSIONS.items():

    def _to(node: Call, items: list[Item], context: Context, made: Callable[..., Any] = _conversion) -> list[Item]:
        value = one(node, items, context)
        return [] if value is None else of(made(value, argument(node, 0, context, items)))

    def _converts(node: Call, items: list[Item], context: Context, made: Callable[..., Any] = _conversion) -> list[Item]:
        value = one(node, items, context)
        return [] if value is None else of(made(value, argument(node, 0, context, items)) is not None)

    function("to" + _name, most=1)(_to)
    function("convertsTo" + _name, most=1)(_converts)
