"""The syntax tree of FHIRPath: one small class a form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Binary", "Call", "External", "Index", "Literal", "Member", "Node", "Special", "TypeTest", "Unary"]


@dataclass(frozen=True, slots=True)
class Node:
    """Any form. `at` is its place in the text, in characters from 0."""

    at: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A constant: `value` is None for the empty collection `{}`, else a system value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Special(Node):
    """`$this`, `$index`, `$total`."""

    name: str


@dataclass(frozen=True, slots=True)
class External(Node):
    """`%name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Node):
    """`on.name`, or `name` alone when `on` is None."""

    on: Node | None
    name: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`on.name(arguments)`."""

    on: Node | None
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`on[index]`."""

    on: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`+x`, `-x`."""

    operator: str
    right: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`left operator right`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class TypeTest(Node):
    """`left is Type`, `left as Type`."""

    operator: str
    left: Node
    type: str
