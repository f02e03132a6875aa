"""The decision record: what goes into the vault comes out bit for bit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.contracts.decision import Attempt, DecisionRecord
from trivet.contracts.feature import Contribution, FeatureRow, FeatureValue
from trivet.contracts.prediction import ModelRef, Prediction, Withheld
from trivet.contracts.verdict import Permit, Refusal
from trivet.kernel.ieee754 import bits_of, float_of

MODEL = ModelRef("readmission", "1.2.0", "ab" * 32)


def record(value: float) -> DecisionRecord:
    """A scored decision with one present and one absent feature, one attempt that ran and one that was refused."""
    values = (
        FeatureValue("age", value, "a", (Contribution("Patient/1", 2, "birthDate"),), "", "2026-01-01T00:00:00.000000Z"),
        FeatureValue("lactate", None, "mmol/L", (), "no Observation 2524-7 within 6 h"),
    )
    return DecisionRecord(
        decision_id="d-1",
        use="readmission-30d",
        person="p-1",
        instant="2026-01-02T00:00:00.000000Z",
        decided_at="2026-01-02T00:00:01.000000Z",
        as_of=41,
        site="north",
        role="discharge-planner",
        purpose="care",
        outcome="scored",
        mode="active",
        features=FeatureRow("p-1", "2026-01-02T00:00:00.000000Z", 41, "readmission", "cd" * 32, values),
        attempts=(
            Attempt(MODEL, "ef" * 32, "active", "refused", "E1", None, Refusal(("grant",), "use LACE"), {"grant": "failed"}),
            Attempt(MODEL, "ef" * 32, "fallback", "scored", "", Permit("g-1", {"accountable": "u"}, "2027"), None, {"grant": "held"}),
        ),
        model=MODEL,
        artefact_digest="ef" * 32,
        runtime={"runtime": "onnx"},
        prediction=Prediction(MODEL, value, bits_of(value), "high", 0.3, (("age", value, "tree path"),), ("lactate",)),
        withheld=Withheld("R1", ("grant",), "call"),
        policy={"route": "12" * 32},
    )


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_record_survives_its_bytes(value: float) -> None:
    """Any finite number comes back with the same bits, and the bytes written again are the same bytes."""
    made = record(value)
    data = made.to_json()
    back = DecisionRecord.from_json(data)
    assert back == made
    assert back.features is not None
    assert bits_of(back.features.values[0].value or 0.0) == bits_of(value) or value == 0
    assert back.to_json() == data


def test_what_is_not_a_decision_record_is_refused() -> None:
    """Another version, a missing field and bytes that are not JSON raise ValueError, never a record with holes."""
    for bad in (b"{}", b'{"v":2}', b'{"v":1}', b"[]", b"not json"):
        with pytest.raises(ValueError):
            DecisionRecord.from_json(bad)


def test_bits_are_sixteen_digits() -> None:
    """The bits of a number are exact, and nothing else is taken for bits."""
    assert bits_of(0.5) == "3fe0000000000000"
    assert float_of("bff0000000000000") == -1.0
    assert math.isinf(float_of("7ff0000000000000"))
    for bad in ("", "3fe0", "3fe000000000000000", "zz" * 8):
        with pytest.raises(ValueError):
            float_of(bad)
