"""FHIRPath text to a syntax tree, by precedence climbing (grammar: FHIRPath 2.0.0, appendix B)."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from trivet.kernel.fhirpath.nodes import Binary, Call, External, Index, Literal, Member, Node, Special, TypeTest, Unary
from trivet.kernel.fhirpath.temporal import Temporal
from trivet.kernel.fhirpath.values import Quantity

__all__ = ["PathError", "parse"]

TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<datetime>@\d{4}(?:-\d\d(?:-\d\d)?)?T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)
    |(?P<time>@T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)
    |(?P<date>@\d{4}(?:-\d\d(?:-\d\d)?)?)
    |(?P<number>\d+(?:\.\d+)?L?)
    |(?P<string>'(?:[^'\\]|\\.)*')
    |(?P<quoted>`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
    |(?P<external>%(?:[A-Za-z_][A-Za-z0-9_-]*|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*"))
    |(?P<special>\$(?:this|index|total))
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{}])""",
    re.X | re.S,
)
ESCAPES = {"'": "'", '"': '"', "`": "`", "r": "\r", "n": "\n", "t": "\t", "f": "\f", "\\": "\\", "/": "/"}
LEVELS = (  # weakest first
    ("implies",),
    ("or", "xor"),
    ("and",),
    ("in", "contains"),
    ("=", "~", "!=", "!~"),
    ("<=", "<", ">", ">="),
    ("|",),
    ("is", "as"),
    ("+", "-", "&"),
    ("*", "/", "div", "mod"),
)
UNITS = {"year", "month", "week", "day", "hour", "minute", "second", "millisecond"}
WORDS = {"implies", "or", "xor", "and", "in", "contains", "is", "as", "div", "mod", "true", "false"}
AS_NAME = {"as", "is", "contains", "in", "div", "mod"}
DEPTH = 50


class PathError(ValueError):
    """An expression that does not parse, or that cannot mean anything. `at` is the place in the text, -1 when it is known later."""

    def __init__(self, what: str, at: int = -1) -> None:
        super().__init__(f"{what} at character {at}" if at >= 0 else what)
        self.at = at


class Token(NamedTuple):
    kind: str
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """Every token but white space and comments, with an `end` behind the last."""
    found, place = [], 0
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise PathError(f"cannot read {text[place : place + 12]!r}", place)
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match.group(), place))
        place = match.end()
    return [*found, Token("end", "", len(text))]


def unescape(text: str, at: int) -> str:
    """The text between quotes. Refuses an escape that FHIRPath does not have."""

    def one(match: re.Match[str]) -> str:
        word = match.group(1)
        if word.startswith("u"):
            return chr(int(word[1:], 16))
        if word not in ESCAPES:
            return word
        return ESCAPES[word]

    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", one, text[1:-1], flags=re.S)


class Parser:
    """Reads one expression."""

    def __init__(self, text: str) -> None:
        self.tokens, self.place, self.depth = tokens(text), 0, 0

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def accept(self, sign: str) -> bool:
        if self.next.kind == "sign" and self.next.text == sign:
            self.place += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            raise PathError(f"expected {sign!r}, found {self.next.text or 'the end'!r}", self.next.at)

    def whole(self) -> Node:
        node = self.level(0)
        if self.next.kind != "end":
            raise PathError(f"did not expect {self.next.text!r}", self.next.at)
        return node

    def level(self, number: int) -> Node:
        if number == len(LEVELS):
            return self.unary()
        self.depth += 1
        if self.depth > DEPTH * len(LEVELS):
            raise PathError("nested too deeply", self.next.at)
        left = self.level(number + 1)
        while self.next.kind in ("sign", "name") and self.next.text in LEVELS[number]:
            token = self.take()
            if token.text in ("is", "as"):
                left = TypeTest(token.at, token.text, left, self.type_name())
            else:
                left = Binary(token.at, token.text, left, self.level(number + 1))
        self.depth -= 1
        return left

    def type_name(self) -> str:
        words = [self.identifier()]
        while self.accept("."):
            words.append(self.identifier())
        return ".".join(words)

    def identifier(self) -> str:
        token = self.take()
        if token.kind == "quoted":
            return unescape(token.text, token.at)
        if token.kind == "name" and (token.text not in WORDS or token.text in AS_NAME):
            return token.text
        raise PathError(f"expected a name, found {token.text or 'the end'!r}", token.at)

    def unary(self) -> Node:
        if self.next.kind == "sign" and self.next.text in "+-":
            token = self.take()
            return Unary(token.at, token.text, self.unary())
        return self.postfix()

    def postfix(self) -> Node:
        node = self.term()
        while True:
            if self.accept("."):
                node = self.invocation(node)
            elif self.next.kind == "sign" and self.next.text == "[":
                at = self.take().at
                index = self.level(0)
                self.expect("]")
                node = Index(at, node, index)
            else:
                return node

    def invocation(self, on: Node | None) -> Node:
        if self.next.kind == "special":
            token = self.take()
            return Special(token.at, token.text)
        at = self.next.at
        name = self.identifier()
        if not self.accept("("):
            return Member(at, on, name)
        arguments: list[Node] = []
        if not self.accept(")"):
            arguments.append(self.level(0))
            while self.accept(","):
                arguments.append(self.level(0))
            self.expect(")")
        return Call(at, on, name, tuple(arguments))

    def term(self) -> Node:
        token = self.next
        if token.kind == "sign":
            if self.accept("("):
                node = self.level(0)
                self.expect(")")
                return node
            if self.accept("{"):
                self.expect("}")
                return Literal(token.at, None)
            raise PathError(f"did not expect {token.text!r}", token.at)
        if token.kind in ("string", "number", "date", "datetime", "time"):
            return self.literal()
        if token.kind == "external":
            self.take()
            name = token.text[1:]
            return External(token.at, unescape(name, token.at) if name[0] in "'`\"" else name)
        if token.kind == "name" and token.text in ("true", "false"):
            self.take()
            return Literal(token.at, token.text == "true")
        return self.invocation(None)

    def literal(self) -> Node:
        token = self.take()
        if token.kind == "string":
            return Literal(token.at, unescape(token.text, token.at))
        if token.kind != "number":
            value = Temporal.read(token.text)
            if value is None:
                raise PathError(f"there is no such moment as {token.text}", token.at)
            return Literal(token.at, value)
        digits = token.text.removesuffix("L")
        number: int | Decimal = Decimal(digits) if "." in digits else int(digits)
        after = self.next
        if after.kind == "string":
            self.take()
            return Literal(token.at, Quantity(Decimal(digits), unescape(after.text, after.at), ucum=True))
        if after.kind == "name" and after.text.removesuffix("s") in UNITS:
            self.take()
            return Literal(token.at, Quantity(Decimal(digits), after.text.removesuffix("s"), ucum=False))
        return Literal(token.at, number)


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """The tree of an expression. Raises PathError, which names the place."""
    return Parser(text).whole()
