"""What an expression sees while it runs, and the question whether an item is of a type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trivet.kernel.fhirpath.nodes import Call, Node
from trivet.kernel.fhirpath.parser import PathError
from trivet.kernel.fhirpath.types import SYSTEM, Types
from trivet.kernel.fhirpath.values import Item, Units

__all__ = ["Context", "Function", "is_type"]

Function = Callable[[Call, list[Item], "Context"], list[Item]]


@dataclass(frozen=True, slots=True)
class Context:
    """What an expression sees. `now` is instant text for `now()` and `today()`; without it they are refused."""

    types: Types
    root: tuple[Item, ...]
    variables: Mapping[str, Any] = field(default_factory=dict)
    this: tuple[Item, ...] = ()
    index: int | None = None
    total: tuple[Item, ...] = ()
    now: str = ""
    convert: Units | None = None
    defined: Mapping[str, list[Item]] = field(default_factory=dict)
    strict: bool = False
    functions: Mapping[str, Function] = field(default_factory=dict)
    evaluate: Callable[[Node, Sequence[Item], Context], list[Item]] | None = None

    def run(self, node: Node, given: Sequence[Item], context: Context) -> list[Item]:
        """Evaluate a tree, as the evaluator does that this context came from."""
        if self.evaluate is None:
            raise PathError("no evaluator stands behind this context", node.at)
        return self.evaluate(node, given, context)


def is_type(item: Item, name: str, context: Context, at: int, *, exactly: bool = False) -> bool:
    """Is an item of a type, or (unless `exactly`, for primitives) of one below it? Refused for a type that does not exist."""
    space, _, word = name.rpartition(".")
    if (
        space not in ("", "System", "FHIR")
        or (space == "System" and word not in SYSTEM)
        or (space == "FHIR" and not context.types.known(word))
    ):
        raise PathError(f"there is no type {name}", at)
    if not space and word not in SYSTEM and not context.types.known(word):
        raise PathError(f"there is no type {name}", at)
    mine, kind = item.type.split(".", 1)
    if space != "FHIR" and mine == "System":
        return kind == word
    if mine == "FHIR" and space != "System":
        return kind == word if exactly and word[:1].islower() else context.types.is_a(kind, word)
    return False
