"""The tables behind UCUM, read from the shipped `ucum-essence.xml`: prefixes, unit atoms, and the scales that do not multiply."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache

from trivet.kernel.resources import text

__all__ = ["COMPOUND", "Atom", "Prefix", "Special", "atoms", "prefixes", "special"]

SPACE = "{http://unitsofmeasure.org/ucum-essence}"
FINE = Context(prec=40)


@dataclass(frozen=True, slots=True)
class Prefix:
    """`k`: kilo, 1000."""

    code: str
    name: str
    value: Fraction


@dataclass(frozen=True, slots=True)
class Atom:
    """One row of the essence: a base unit (`dimension`), or `value` times `unit`, seen through `function` when special."""

    code: str
    name: str
    metric: bool
    arbitrary: bool
    dimension: bool
    value: Fraction
    unit: str
    function: str


@dataclass(frozen=True, slots=True)
class Special:
    """A scale that does not multiply: how a value on it becomes a ratio to its unit, and back. `scale` is the prefix's factor."""

    name: str
    to: Callable[[Fraction], Fraction]
    back: Callable[[Fraction], Fraction]
    scale: Fraction = Fraction(1)

    def scaled(self, by: Fraction) -> Special:
        """The same scale under a prefix (`mCel`, `dB`)."""
        return replace(self, scale=self.scale * by)

    def to_ratio(self, value: Fraction) -> Fraction:
        """From the scale to a plain amount."""
        return self.to(value * self.scale)

    def from_ratio(self, amount: Fraction) -> Fraction:
        """From a plain amount to the scale."""
        return self.back(amount) / self.scale


def _power(base: int, exponent: Fraction) -> Fraction:
    return Fraction(FINE.power(Decimal(base), FINE.divide(exponent.numerator, exponent.denominator)))


def _log(base: int, amount: Fraction) -> Fraction:
    if amount <= 0:
        raise ValueError("a logarithm needs a positive amount")
    number = FINE.divide(amount.numerator, amount.denominator)
    return Fraction(FINE.divide(FINE.ln(number), FINE.ln(base)))


def _root(amount: Fraction) -> Fraction:
    return Fraction(FINE.sqrt(FINE.divide(amount.numerator, amount.denominator)))


def _offset(by: str) -> tuple[Callable[[Fraction], Fraction], Callable[[Fraction], Fraction]]:
    step = Fraction(by)
    return (lambda value: value + step), (lambda amount: amount - step)


def _falling(base: int) -> tuple[Callable[[Fraction], Fraction], Callable[[Fraction], Fraction]]:
    return (lambda value: _power(base, -value)), (lambda amount: -_log(base, amount))


def _rising(base: int, times: int = 1) -> tuple[Callable[[Fraction], Fraction], Callable[[Fraction], Fraction]]:
    return (lambda value: _power(base, value / times)), (lambda amount: times * _log(base, amount))


_SLOPE = (lambda value: Fraction(math.atan(value / 100))), (lambda amount: Fraction(100 * math.tan(amount)))
_E = (
    (lambda value: Fraction(FINE.exp(FINE.divide(value.numerator, value.denominator)))),
    (lambda amount: Fraction(FINE.ln(FINE.divide(amount.numerator, amount.denominator)))),
)
_DEGREE = (lambda value: Fraction(math.degrees(math.atan(value / 100)))), (lambda amount: Fraction(100 * math.tan(math.radians(amount))))

# name of the function in the essence: to a ratio, and back (UCUM section 4, tables of special units)
FUNCTIONS = {
    "Cel": _offset("273.15"),
    "degF": _offset("459.67"),
    "degRe": _offset("218.52"),
    "pH": _falling(10),
    "hpX": _falling(10),
    "hpC": _falling(100),
    "hpM": _falling(1000),
    "hpQ": _falling(50000),
    "ln": _E,
    "lg": _rising(10),
    "lgTimes2": _rising(10, 2),
    "ld": _rising(2),
    "tanTimes100": _SLOPE,
    "100tan": _DEGREE,
    "sqrt": ((lambda value: value * value), _root),
}
COMPOUND = Special("compound", lambda value: value, lambda amount: amount)


def special(name: str) -> Special:
    """The scale of that name."""
    return Special(name, *FUNCTIONS[name])


@cache
def _tables() -> tuple[dict[str, Prefix], dict[str, Atom]]:
    root = ElementTree.fromstring(text("trivet.maps", "units", "ucum-essence.xml"))  # noqa: S314  shipped with the package
    found: dict[str, Prefix] = {}
    known: dict[str, Atom] = {}
    for node in root:
        kind, code = node.tag.removeprefix(SPACE), node.get("Code", "")
        name = node.findtext(f"{SPACE}name", "")
        value = node.find(f"{SPACE}value")
        if kind == "prefix" and value is not None:
            found[code] = Prefix(code, name, Fraction(value.get("value", "1")))
        elif kind == "base-unit":
            known[code] = Atom(code, name, True, False, True, Fraction(1), "", "")
        elif kind == "unit" and value is not None:
            function = value.find(f"{SPACE}function")
            row = function if function is not None else value
            known[code] = Atom(
                code=code,
                name=name,
                metric=node.get("isMetric") == "yes",
                arbitrary=node.get("isArbitrary") == "yes",
                dimension=False,
                value=Fraction(row.get("value", "1")),
                unit=row.get("Unit", "1"),
                function=function.get("name", "") if function is not None else "",
            )
    return found, known


def prefixes() -> dict[str, Prefix]:
    """Every prefix by its code."""
    return _tables()[0]


def atoms() -> dict[str, Atom]:
    """Every unit atom by its case-sensitive code."""
    return _tables()[1]
