"""The closed language of population predicates: `age >= 18 and not encounter_class = EMER`. Parsed once, never evaluated as code.

Words: `=`, `in (a, b)`, `<`, `<=`, `>`, `>=`, `present`, `and`, `or`, `not`, brackets. In: facts by name. Out: true or
false. Refused with ValueError: anything else, and a fact that the predicate needs and nobody gave (unknown is not inside).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

__all__ = ["holds", "parse"]

Facts = Mapping[str, Any]
Test = Callable[[Facts], bool]

TOKEN = re.compile(r"\s*(<=|>=|[=<>(),]|\"[^\"]*\"|[^\s=<>(),\"]+)")
ORDER: dict[str, Callable[[float, float], bool]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@lru_cache(maxsize=256)
def parse(text: str) -> Test:
    """The test behind a predicate; the empty text holds for everybody. Raises ValueError, naming the word, when it does not parse."""
    if not text.strip():
        return lambda facts: True
    tokens = TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s+(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", "", text):
        raise ValueError(f"not a predicate: {text!r}")
    parser = _Parser(tokens)
    test = parser.either()
    if parser.at < len(tokens):
        raise ValueError(f"unexpected {tokens[parser.at]!r} in {text!r}")
    return test


def holds(text: str, facts: Facts) -> bool:
    """Does the predicate hold? Raises ValueError when it does not parse or a fact it needs is unknown."""
    return parse(text)(facts)


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.at = tokens, 0

    def peek(self) -> str:
        return self.tokens[self.at].lower() if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        if self.at >= len(self.tokens) or (wanted and self.peek() != wanted):
            raise ValueError(f"{wanted or 'a word'} is missing")
        self.at += 1
        return self.tokens[self.at - 1]

    def either(self) -> Test:
        tests = [self.both()]
        while self.peek() == "or":
            self.take()
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda facts: any(test(facts) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.peek() == "and":
            self.take()
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda facts: all(test(facts) for test in tests)

    def one(self) -> Test:
        if self.peek() == "not":
            self.take()
            inner = self.one()
            return lambda facts: not inner(facts)
        if self.peek() == "(":
            self.take()
            inner = self.either()
            self.take(")")
            return inner
        return self.comparison()

    def comparison(self) -> Test:
        name, word = self.take(), self.take().lower()
        if word == "present":
            return lambda facts: facts.get(name) is not None
        if word == "in":
            self.take("(")
            values = [self.value()]
            while self.peek() == ",":
                self.take()
                values.append(self.value())
            self.take(")")
            return lambda facts: any(_same(_known(facts, name), value) for value in values)
        wanted = self.value()
        if word == "=":
            return lambda facts: _same(_known(facts, name), wanted)
        if word in ORDER:
            limit, compare = float(wanted), ORDER[word]
            return lambda facts: compare(float(_known(facts, name)), limit)
        raise ValueError(f"{word!r} is not a word of the language")

    def value(self) -> str:
        token = self.take()
        return token[1:-1] if token.startswith('"') else token


def _known(facts: Facts, name: str) -> Any:
    value = facts.get(name)
    if value is None:
        raise ValueError(f"{name} is not known")
    return value


def _same(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return wanted.lower() == ("true" if value else "false")
    if isinstance(value, (int, float)):
        try:
            return float(wanted) == value
        except ValueError:
            return False
    return str(value) == wanted
