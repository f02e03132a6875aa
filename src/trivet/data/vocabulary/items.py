"""What a release of a code system is made of, as loaders give it: one item after another, in the same order every time."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Described", "Edge", "Edition", "Entry", "Item", "LeftOut", "Link", "Linked", "Property", "Term", "ValueSet"]


class Edition(NamedTuple):
    """A version of a code system. `complete` False: only a part of it is here, so a code that is not here proves nothing."""

    system: str
    version: str
    name: str
    sensitive: bool = True
    complete: bool = True


class Entry(NamedTuple):
    """A concept. An empty display may be given later by a `Term` that is `main`. Dates are YYYY-MM-DD."""

    system: str
    code: str
    display: str
    active: bool = True
    abstract: bool = False
    since: str = ""
    until: str = ""


class Term(NamedTuple):
    """A name of a concept."""

    system: str
    code: str
    text: str
    use: str = "synonym"
    language: str = "en"
    main: bool = False


class Property(NamedTuple):
    """A property of a concept."""

    system: str
    code: str
    name: str
    value: str


class Edge(NamedTuple):
    """`child` is-a `parent`, directly."""

    system: str
    child: str
    parent: str


class Linked(NamedTuple):
    """A relation between two concepts known only by their number in the release (`isa` or `maps-to`)."""

    relation: str
    source: str
    target: str


class Link(NamedTuple):
    """A row of a concept map."""

    map: str
    version: str
    source_system: str
    source_code: str
    target_system: str
    target_code: str
    target_display: str
    relation: str


class ValueSet(NamedTuple):
    """A value set as its FHIR resource."""

    url: str
    version: str
    body: str


class LeftOut(NamedTuple):
    """A line that says nothing here (a licence text, a row of another vocabulary): counted."""

    why: str


Described = Entry | Term | Property | Edge
Item = Edition | Described | Linked | Link | ValueSet | LeftOut
