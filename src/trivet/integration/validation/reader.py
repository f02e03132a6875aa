"""A JSON text read with patience: every value with its bytes, every fault of the text with its place, as far as it can be told.

Asked only when something is wrong, or when the bytes behind a finding are wanted; the exact parser of the kernel reads everything
else. Commas too many or too few, names and words without quotes and comments are faults from which reading goes on; a bracket that
closes something else, or the end of the text, is fatal (RFC 8259).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

__all__ = ["DEPTH", "Fault", "Reading", "Where", "read"]

DEPTH = 100
SPACE = re.compile(r"[ \t\r\n]+")
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])")
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
WORD = re.compile(r"[^\s,:\[\]{}\"]+")
WORDS = {"true": True, "false": False, "null": None}


class Fault(NamedTuple):
    """A fault of the text at `path` (JSON names and indices)."""

    path: tuple[str | int, ...]
    rule: str
    message: str
    offset: int
    length: int
    fatal: bool = False


class Where(NamedTuple):
    """Bytes of a value, and of its name in the object around it (-1 where there is none)."""

    start: int
    end: int
    name: int = -1


@dataclass(slots=True)
class Reading:
    """`value` as far as it could be read."""

    value: Any = None
    faults: list[Fault] = field(default_factory=list)
    where: dict[tuple[str | int, ...], Where] = field(default_factory=dict)


class Stop(Exception):
    """Nothing more can be read. `value` is what was read of the value, as it comes up through those around it."""

    value: Any = None


class Reader:
    """One text, from the left to the right."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at, self.out = raw, 0, Reading()
        # Latin-1 keeps every byte one character, so that places in the text are places in the bytes.
        self.text = raw.decode("latin-1")

    def fault(self, path: tuple[str | int, ...], rule: str, message: str, at: int | None = None, length: int = 1) -> None:
        """Remember a fault and go on."""
        self.out.faults.append(Fault(path, rule, message, self.at if at is None else at, length))

    def fatal(self, path: tuple[str | int, ...], rule: str, message: str) -> Stop:
        """Remember the last fault."""
        at = min(self.at, len(self.text))
        self.out.faults.append(Fault(path, rule, message, at, min(1, len(self.text) - at), True))
        return Stop()

    def peek(self, path: tuple[str | int, ...]) -> str:
        """The next character that means something; empty at the end."""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in " \t\r\n":
                self.at = SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
            elif char == "/" and (found := COMMENT.match(self.text, self.at)):
                self.fault(path, "json-comment", "JSON has no comments", length=len(found[0]))
                self.at = found.end()
            else:
                return char
        return ""

    def words(self, path: tuple[str | int, ...], quoted: re.Match[str]) -> str:
        """A text in quotes."""
        self.at = quoted.end()
        raw = self.raw[quoted.start() : quoted.end()]
        if raw.isascii() and b"\\" not in raw and raw.decode().isprintable():
            return raw[1:-1].decode()
        try:
            return str(json.loads(raw))
        except UnicodeDecodeError:
            self.fault(path, "json-encoding", "a text is not UTF-8", quoted.start(), len(raw))
        except ValueError:
            self.fault(path, "json-text", "a text holds a control character or an escape that JSON does not have", quoted.start(), len(raw))
        return raw[1:-1].decode("utf-8", "replace")

    def value(self, path: tuple[str | int, ...], name: int = -1) -> Any:
        """The next value."""
        char, start = self.peek(path), self.at
        if len(path) > DEPTH:
            raise self.fatal(path, "json-too-deep", f"more than {DEPTH} levels")
        made: Any
        if char == "{":
            made = self.members(path)
        elif char == "[":
            made = self.items(path)
        elif char == '"' and (quoted := TEXT.match(self.text, start)):
            made = self.words(path, quoted)
        elif found := NUMBER.match(self.text, start):
            self.at = found.end()
            made = int(found[0]) if found[0].lstrip("-").isdigit() and len(found[0]) < 19 else Decimal(found[0])
        elif char and (found := WORD.match(self.text, start)):
            self.at = found.end()
            made = WORDS.get(found[0], found[0])
            if found[0] not in WORDS:
                self.fault(path, "json-quotes", "a value without quotes that is no number and no word of JSON", start, len(found[0]))
        else:
            raise self.fatal(path, "json-syntax", "a value is missing here" if char else "the text ends before it is complete")
        self.out.where[path] = Where(start, self.at, name)
        return made

    def comma(self, path: tuple[str | int, ...], close: str, first: bool) -> bool:
        """Whether another member or item comes; commas too many or too few are faults."""
        many = 0
        while (char := self.peek(path)) == ",":
            many += 1
            if first or many > 1:
                self.fault(path, "json-comma", "a comma too many")
            at, self.at = self.at, self.at + 1
        if char == close:
            if many == 1 and not first:
                self.fault(path, "json-comma", f"a comma too many before the closing {close}", at)
            return False
        if not char:
            raise self.fatal(path, "json-syntax", "the text ends before it is complete")
        if char in "]}":
            raise self.fatal(path, "json-close", f"{char} stands where {close} must")
        if not many and not first:
            self.fault(path, "json-comma", "a comma is missing")
        return True

    def _more(self, path: tuple[str | int, ...], close: str, first: bool, made: Any) -> bool:
        try:
            return self.comma(path, close, first)
        except Stop as stop:
            stop.value = made
            raise

    def members(self, path: tuple[str | int, ...]) -> dict[str, Any]:
        """An object."""
        made: dict[str, Any] = {}
        self.at += 1
        first = True
        while self._more(path, "}", first, made):
            first, start = False, self.at
            quoted = TEXT.match(self.text, start)
            if quoted:
                name = self.words(path, quoted)
            elif word := WORD.match(self.text, start):
                name, self.at = word[0], word.end()
                self.fault(path, "json-quotes", "a name without quotes", start, len(name))
            else:
                raise self.fatal(path, "json-syntax", "a name must stand here")
            below = (*path, name)
            if self.peek(below) == ":":
                self.at += 1
            else:
                self.fault(below, "json-colon", "a colon is missing behind the name")
            if name in made:
                self.fault(path, "json-duplicate", "a name stands twice in one object", start, self.at - start)
            try:
                made[name] = self.value(below, start)
            except Stop as stop:
                made[name], stop.value = stop.value, made
                raise
        self.at += 1
        return made

    def items(self, path: tuple[str | int, ...]) -> list[Any]:
        """An array."""
        made: list[Any] = []
        self.at += 1
        while self._more(path, "]", not made, made):
            try:
                made.append(self.value((*path, len(made))))
            except Stop as stop:
                made.append(stop.value)
                stop.value = made
                raise
        self.at += 1
        return made

    def document(self) -> Reading:
        """All of it."""
        if self.raw.startswith(b"\xef\xbb\xbf"):
            self.at = 3
        try:
            self.out.value = self.value(())
            if self.peek(()):
                self.fault((), "json-syntax", "something stands behind the end of the value", length=len(self.text) - self.at)
        except Stop as stop:
            self.out.value = stop.value
        except RecursionError:
            self.fatal((), "json-too-deep", "too many levels")
        return self.out


def read(raw: bytes) -> Reading:
    """The value, the faults and the bytes of everything."""
    return Reader(raw).document()
