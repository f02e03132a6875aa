"""JSON with places: in, bytes; out, the value and the byte span of every leaf; refused, what is not exactly JSON.

The value comes from the exact parser of the kernel, the places from a scan of our own. Both must find the same leaves in the
same order; where they do not (a name that stands twice in one object), the text is refused, because one of the two would be lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from trivet.contracts.record import Element, Span
from trivet.kernel import jsontext
from trivet.kernel.errors import Rejected

__all__ = ["CARRY", "DEPTH", "REFERENCE", "VERBATIM", "Found", "Link", "Text", "TooDeep", "decode", "diagnose", "pointer_part", "walk"]

DEPTH = 100  # levels; the deepest resources in practice stay under 30
TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[-\d][\d.eE+-]*|true|false|null', re.S)
STRUCTURE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}\[\],]', re.S)
BYTE = re.compile(r"\(byte (\d+)\)")
CARRIED = frozenset({"extension", "modifierExtension", "contained", "div"})
VERBATIM, CARRY, REFERENCE = "fhir/verbatim", "fhir/carried", "fhir/reference"


class TooDeep(ValueError):
    """More than `DEPTH` levels."""


class Link(NamedTuple):
    """A text that may point to another resource: the object that holds it, its name there, and its place in `Found.spans`."""

    holder: dict[str, Any]
    name: str
    place: int


@dataclass(slots=True)
class Found:
    """What walks gather, in document order: one span and one element per non-empty leaf, in step with each other."""

    spans: list[Span] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    odd: str = ""  # pointer to the first name that no FHIR element can have


class Text:
    """A decoded text with the spans of its names and leaves, to be taken in document order; `base` is where the text begins."""

    __slots__ = ("base", "raw", "take", "value")

    def __init__(self, raw: bytes, value: Any, base: int) -> None:
        # Latin-1 keeps every byte one character, so that places in the text are places in the bytes.
        spans = [found.span() for found in TOKEN.finditer(raw.decode("latin-1"))]
        self.raw, self.value, self.base = raw, value, base
        self.take = iter(spans).__next__

    def spent(self) -> bool:
        """Whether every token was taken. Ask once, at the end: a token that is left means that the parser kept one of two."""
        try:
            self.take()
        except StopIteration:
            return True
        return False


def decode(raw: bytes, base: int = 0, locator: str = "") -> Text | Rejected:
    """The value of a JSON text and its tokens, or the place where it stops being JSON."""
    try:
        return Text(raw, jsontext.loads(raw), base)
    except RecursionError:
        return diagnose(raw, base, locator)
    except UnicodeDecodeError:
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError as error:
            return Rejected("json-encoding", "not UTF-8 from here on", locator, base + error.start, error.end - error.start)
        return Rejected("json-encoding", "a text is not Unicode", locator, base, len(raw))
    except ValueError as error:
        place = BYTE.search(str(error))
        at = min(int(place[1]), len(raw)) if place else len(raw)
        why = BYTE.sub("", str(error)).strip().removeprefix("JSON is malformed: ")
        return Rejected("json-malformed", f"not JSON: {why}", locator, base + at, min(1, len(raw) - at))


def pointer_part(name: str) -> str:
    """A name inside a JSON pointer (RFC 6901 section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def walk(value: Any, text: Text, path: str, pointer: str, found: Found, rule: str = VERBATIM, depth: int = 0) -> None:
    """Visit a value whose tokens come next in `text`: a span and an element for every non-empty leaf, a link for every reference.

    `path` is the element path so far, without a dot at its end; a bare null (a gap in a list) and an empty text have no element.
    """
    take, base = text.take, text.base
    add_span, add_element = found.spans.append, found.elements.append

    def leaf(item: Any, path: str, pointer: str, rule: str) -> None:
        start, end = take()
        if item is None:
            return
        if type(item) is str:
            start, end = start + 1, end - 1
            if start == end:
                return
        start += base
        length = end - start + base
        add_span(Span(path, start, length, pointer, rule))
        add_element(Element(pointer, start, length, "carried" if rule is CARRY else "mapped", rule))

    def visit(item: Any, path: str, pointer: str, rule: str, depth: int) -> None:
        if depth > DEPTH:
            raise TooDeep
        if type(item) is dict:
            if path:
                path += "."
            for name, inner in item.items():
                take()
                kind = type(inner)
                below = f"{pointer}/{name}"
                if not name.isalnum() and not (name[:1] == "_" and name[1:].isalnum()):
                    below = f"{pointer}/{pointer_part(name)}"
                    found.odd = found.odd or below
                mine = CARRY if rule is CARRY or name in CARRIED or name[:1] == "_" else rule
                if kind is dict or kind is list:
                    visit(inner, path + name, below, mine, depth + 1)
                elif kind is str and (name == "reference" or name == "url") and inner:
                    leaf(inner, path + name, below, mine)
                    found.links.append(Link(item, name, len(found.spans) - 1))
                else:
                    leaf(inner, path + name, below, mine)
        elif type(item) is list:
            for number, inner in enumerate(item):
                kind = type(inner)
                if kind is dict or kind is list:
                    visit(inner, f"{path}[{number}]", f"{pointer}/{number}", rule, depth + 1)
                else:
                    leaf(inner, f"{path}[{number}]", f"{pointer}/{number}", rule)
        else:
            leaf(item, path, pointer, rule)

    visit(value, path, pointer, rule, depth)


def diagnose(raw: bytes, base: int = 0, locator: str = "") -> Rejected:
    """Where a text that parses goes too deep or says a name twice. Slow: asked only when something is wrong already."""
    stack: list[tuple[str, set[str]]] = []
    for found in STRUCTURE.finditer(raw.decode("latin-1")):
        mark = found[0]
        if mark in "{[":
            stack.append((mark, set()))
            if len(stack) > DEPTH:
                return Rejected("json-too-deep", f"more than {DEPTH} levels", locator, base + found.start(), 1)
        elif mark in "}]":
            if stack:
                stack.pop()
        elif found[1] and stack and stack[-1][0] == "{":
            name = mark[: mark.rindex('"') + 1]
            if name in stack[-1][1]:
                why = "a name stands twice in one object, and only one of the two could be kept"
                return Rejected("json-duplicate-name", why, locator, base + found.start() + 1, len(name) - 2)
            stack[-1][1].add(name)
    return Rejected("json-ambiguous", "the text can be read in two ways", locator, base, len(raw))
