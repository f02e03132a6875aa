"""UCUM units: in, a case-sensitive code; out, an exact factor over base dimensions, conversions as exact fractions.

Source: The Unified Code for Units of Measure, sections 2 (grammar), 3 (prefixes) and 4 (tables), read from the unmodified
`ucum-essence.xml`. Arbitrary units are dimensions of their own (section 2.4.3): never equal to each other. Special units
(Celsius, pH, decibel) convert only when they stand alone (section 2.4.2). What the grammar does not allow is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from trivet.kernel.units.atoms import COMPOUND, Atom, Special, atoms, prefixes, special

__all__ = ["BadUnit", "Number", "Unit", "convert", "decimal", "display", "parse"]

DIGITS = Context(prec=15)
EXPONENT = re.compile(r"[+-]?\d+$")
NUMBER = re.compile(r"\d+")
Dimension = tuple[tuple[str, int], ...]
Number = Decimal | Fraction | int | str


class BadUnit(ValueError):
    """Not a unit, or not comparable with the other one."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A parsed code. One of it is `factor` times the product of the base units in `dimension`; `special` scales do not multiply."""

    code: str
    factor: Fraction
    dimension: Dimension
    special: Special | None = None

    def comparable(self, other: Unit) -> bool:
        """Can a value in this unit be said in the other one?"""
        return self.dimension == other.dimension and COMPOUND not in (self.special, other.special)

    def times(self, other: Unit) -> Unit:
        """The product, without a code of its own."""
        return _product(self, other, 1)

    def over(self, other: Unit) -> Unit:
        """The quotient, without a code of its own."""
        return _product(self, other, -1)


class Word(NamedTuple):
    """A prefix and an atom with its exponent: what a simple unit is made of."""

    prefix: str
    atom: Atom
    exponent: int


ONE = Unit("1", Fraction(1), ())


def _product(left: Unit, right: Unit, sign: int) -> Unit:
    powers = dict(left.dimension)
    for name, power in right.dimension:
        powers[name] = powers.get(name, 0) + sign * power
    dimension = tuple(sorted((name, power) for name, power in powers.items() if power))
    factor = left.factor * right.factor if sign > 0 else left.factor / right.factor
    mixed = left.special is not None or right.special is not None
    return Unit("", factor, dimension, COMPOUND if mixed else None)


@lru_cache(maxsize=8192)
def parse(code: str) -> Unit:
    """The unit of a UCUM code. Raises BadUnit with what is wrong."""
    if not code:
        raise BadUnit("a unit is not empty")
    if not all("!" <= letter <= "~" for letter in code):
        raise BadUnit("only visible ASCII characters make a unit")
    unit, end = _term(code, 0, 0)
    if end != len(code):
        raise BadUnit(f"unexpected {code[end]!r} at {end}")
    return Unit(code, unit.factor, unit.dimension, unit.special)


def _term(code: str, at: int, depth: int) -> tuple[Unit, int]:
    """A term up to its end or the closing parenthesis: components joined by `.` and `/`, from left to right."""
    unit, sign, alone = ONE, 1, True
    if code[at : at + 1] == "/":
        at, sign, alone = at + 1, -1, False
    while True:
        part, at = _component(code, at, depth)
        unit = part if alone else _product(unit, part, sign)
        alone = False
        following = code[at : at + 1]
        if following not in (".", "/") or not following:
            return unit, at
        sign, at = (1 if following == "." else -1), at + 1


def _component(code: str, at: int, depth: int) -> tuple[Unit, int]:
    if code[at : at + 1] == "(":
        unit, end = _term(code, at + 1, depth + 1)
        if code[end : end + 1] != ")":
            raise BadUnit("a parenthesis is not closed")
        return unit, _annotation(code, end + 1)
    end = _simple_end(code, at)
    if end == at:
        closed = _annotation(code, at)
        if closed == at:
            raise BadUnit(f"a unit is missing at {at}")
        if code[closed : closed + 1] not in ("", ".", "/", ")"):
            raise BadUnit("an annotation stands behind its unit")
        return ONE, closed
    return _simple(code[at:end]), _annotation(code, end)


def _simple_end(code: str, at: int) -> int:
    """Where a simple unit ends: at an operator, a parenthesis or an annotation outside of square brackets."""
    inside = False
    while at < len(code):
        letter = code[at]
        if letter == "[":
            inside = True
        elif letter == "]":
            inside = False
        elif not inside and letter in "./(){}":
            return at
        at += 1
    return at


def _annotation(code: str, at: int) -> int:
    """Behind the annotation that starts here, if one does."""
    if code[at : at + 1] != "{":
        return at
    end = code.find("}", at)
    if end < 0 or "{" in code[at + 1 : end]:
        raise BadUnit("an annotation is not closed")
    return end + 1


@lru_cache(maxsize=8192)
def _simple(text: str) -> Unit:
    if NUMBER.fullmatch(text):
        if int(text) == 0:
            raise BadUnit("zero is not a unit")
        return Unit(text, Fraction(int(text)), ())
    word = _word(text)
    unit = _atom(word.atom.code)
    scale = prefixes()[word.prefix].value if word.prefix else Fraction(1)
    if unit.special is not None:
        if word.exponent != 1:
            return Unit(text, unit.factor, unit.dimension, COMPOUND)
        return Unit(text, unit.factor, unit.dimension, unit.special.scaled(scale))
    dimension = tuple((name, power * word.exponent) for name, power in unit.dimension) if word.exponent else ()
    return Unit(text, (scale * unit.factor) ** word.exponent, dimension)


def _word(text: str) -> Word:
    """Split a simple unit: the whole text as an atom wins over prefix and atom, the longest prefix over a shorter one."""
    known = atoms()
    for body, exponent in _readings(text):
        if body in known:
            return Word("", known[body], exponent)
        for length in (2, 1):
            prefix, rest = body[:length], body[length:]
            if prefix in prefixes() and rest in known and known[rest].metric:
                return Word(prefix, known[rest], exponent)
    raise BadUnit(f"{text} is not a unit")


def _readings(text: str) -> list[tuple[str, int]]:
    found = EXPONENT.search(text)
    whole = [(text, 1)]
    if found and found.start():
        whole.append((text[: found.start()], int(found[0])))
    return whole


@lru_cache(maxsize=1024)
def _atom(code: str) -> Unit:
    """The meaning of an atom, through the definitions it rests on."""
    atom = atoms()[code]
    if atom.dimension:
        return Unit(code, Fraction(1), ((code, 1),))
    if atom.arbitrary and atom.unit == "1":
        return Unit(code, Fraction(1), ((code, 1),))
    rests_on = parse(atom.unit)
    factor = atom.value * rests_on.factor
    return Unit(code, factor, rests_on.dimension, special(atom.function) if atom.function else rests_on.special)


def convert(value: Number, source: str, target: str) -> Fraction:
    """A value in one unit said in another, exactly where arithmetic allows. Raises BadUnit when they are not comparable."""
    left, right = parse(source), parse(target)
    if not left.comparable(right):
        raise BadUnit(f"{source} and {target} do not measure the same thing")
    given = value if isinstance(value, Fraction) else Fraction(value)
    amount = (left.special.to_ratio(given) if left.special else given) * left.factor / right.factor
    return right.special.from_ratio(amount) if right.special else amount


def decimal(value: Fraction) -> Decimal:
    """A fraction as a decimal: exact where it ends within 15 digits, else rounded half even to 15 significant digits."""
    made = DIGITS.divide(Decimal(value.numerator), Decimal(value.denominator))
    if made == made.to_integral_value() and abs(made) < 10**15:
        return made.quantize(Decimal(1))
    return made.normalize(DIGITS)


def display(code: str) -> str:
    """A readable form: `(meter ^ 3) * (kilogram ^ -1)`."""
    if not code:
        return "(unity)"
    parse(code)
    out, at = "", 0
    names: Mapping[str, Atom] = atoms()
    while at < len(code):
        end = _simple_end(code, at)
        if end > at:
            text = code[at:end]
            if NUMBER.fullmatch(text):
                out += text
            else:
                word = _word(text)
                prefix = prefixes()[word.prefix].name if word.prefix else ""
                power = f" ^ {word.exponent}" if text != word.prefix + word.atom.code else ""
                out += f"({prefix}{names[word.atom.code].name}{power})"
            at = end
            continue
        closed = _annotation(code, at)
        out += code[at:closed] if closed > at else {".": " * ", "/": " / "}.get(code[at], code[at])
        at = max(closed, at + 1)
    return out
