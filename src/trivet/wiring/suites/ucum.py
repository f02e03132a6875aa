"""The UCUM functional tests (Grahame Grieve and others): validation, display names, conversion, multiplication, division."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from pathlib import Path

from trivet.contracts.suite import SuiteResult
from trivet.data.units import BadUnit, convert, display, parse

__all__ = ["run"]

Case = ElementTree.Element


def _agrees(expected: str, value: Fraction) -> bool:
    """Equal after rounding to the significant digits of the expected text."""
    wanted = Decimal(expected)
    digits = Context(prec=max(1, len(wanted.as_tuple().digits)))
    return digits.create_decimal(wanted) == digits.divide(Decimal(value.numerator), Decimal(value.denominator))


def _validation(case: Case) -> str:
    wanted = case.get("valid") == "true"
    try:
        parse(case.get("unit", ""))
    except BadUnit as error:
        return f"refused: {error}" if wanted else ""
    return "" if wanted else "accepted, though wrong"


def _display(case: Case) -> str:
    shown = display(case.get("unit", ""))
    return "" if shown == case.get("display") else f"shows {shown}"


def _conversion(case: Case) -> str:
    value = convert(case.get("value", ""), case.get("srcUnit", ""), case.get("dstUnit", ""))
    return "" if _agrees(case.get("outcome", ""), value) else f"gives {float(value)}"


def _arithmetic(case: Case, sign: int) -> str:
    left, right = parse(case.get("u1", "")), parse(case.get("u2", ""))
    made = left.times(right) if sign > 0 else left.over(right)
    wanted = parse(case.get("uRes", "") or "1")
    if made.dimension != wanted.dimension:
        return "another dimension"
    first, second = Fraction(case.get("v1", "")), Fraction(case.get("v2", ""))
    value = (first * second if sign > 0 else first / second) * made.factor / wanted.factor
    return "" if _agrees(case.get("vRes", ""), value) else f"gives {float(value)}"


CHECKS: dict[str, Callable[[Case], str]] = {
    "validation": _validation,
    "displayNameGeneration": _display,
    "conversion": _conversion,
    "multiplication": lambda case: _arithmetic(case, 1),
    "division": lambda case: _arithmetic(case, -1),
}


def run(corpora: Path) -> SuiteResult:
    """Every case of every kind."""
    result = SuiteResult("ucum")
    path = corpora / "ucum" / "src" / "test" / "resources" / "UcumFunctionalTests.xml"
    for group in ElementTree.parse(path).getroot():  # noqa: S314  a file that the operator named
        check = CHECKS.get(group.tag)
        if check is None:
            continue
        count = 0
        for number, case in enumerate(group.findall("case"), 1):
            name = f"{group.tag}/{number}/{case.get('id')}"
            try:
                why = check(case)
            except BadUnit as error:
                why = str(error)
            if why:
                result.failed[name] = why
            else:
                result.passed.append(name)
                count += 1
        result.measures[group.tag] = count
    return result
