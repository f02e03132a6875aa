"""FHIRPath: precedence, three-valued logic, exact decimals, choices, refusals with their place."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trivet.data.sof.r4 import r4_types
from trivet.kernel.fhirpath import PathError, compile_path
from trivet.kernel.jsontext import loads

OBSERVATION = loads(
    b'{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2160-0"},'
    b'{"system":"urn:local","code":"KREA"}]},"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":1.10,"unit":"mg/dL",'
    b'"system":"http://unitsofmeasure.org","code":"mg/dL"},"effectiveDateTime":"2026-03-01T08:00:00-06:00"}'
)


def ask(text: str) -> list[object]:
    """Values of an expression over the observation."""
    types = r4_types()
    return [types.system(item) for item in compile_path(text, types)(OBSERVATION)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", [7]),
        ("(1 + 2) * 3", [9]),
        ("true or {}", [True]),
        ("false and {}", [False]),
        ("true and {}", []),
        ("code.coding.where(system = 'http://loinc.org').code", ["2160-0"]),
        ("value.ofType(Quantity).unit", ["mg/dL"]),
        ("value is Quantity", [True]),
        ("subject.getReferenceKey(Patient)", ["Patient/p1"]),
        ("subject.getReferenceKey(Group)", []),
        ("getResourceKey()", ["Observation/o1"]),
        ("code.coding.code.join('|')", ["2160-0|KREA"]),
        ("effective > @2026-03-01T13:59:59Z", [True]),
        ("effective > @2026-03-01", []),
        ("@2026-01-31 + 1 month", None),
        ("code.coding[1].code", ["KREA"]),
        ("nothing", []),
    ],
)
def test_expressions(text: str, expected: list[object] | None) -> None:
    """Each expression gives what section 5 and 6 of the specification say."""
    found = ask(text)
    if expected is None:
        assert found[0].text == "2026-02-28"  # type: ignore[attr-defined]
    else:
        assert found == expected


def test_a_decimal_keeps_its_digits() -> None:
    """1.10 is read, carried and given back as 1.10."""
    assert str(ask("value.ofType(Quantity).value")[0]) == "1.10"
    assert ask("0.1 + 0.2") == [Decimal("0.3")]


@pytest.mark.parametrize("text", ["1 +", "code.", "a b", "foo(", "'open", "frobnicate()", "(1 | 2) + 1", "%nobody", "1 and (true | false)"])
def test_what_cannot_mean_anything_is_refused(text: str) -> None:
    """No expression is answered by a guess."""
    with pytest.raises(PathError):
        ask(text)


def test_depth_is_bounded() -> None:
    """Three thousand brackets are refused, not a crash of the interpreter."""
    with pytest.raises(PathError):
        ask("(" * 3000 + "1" + ")" * 3000)
