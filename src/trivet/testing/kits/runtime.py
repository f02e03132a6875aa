"""What every `Runtime` must keep, whoever wrote it. A third party runs this over its own runtime and rows that it can score:

    kit = RuntimeKit(open_it, rows)          # open_it() loads the model anew
    kit.check()

Each `check_*` raises AssertionError that says what is broken; none of them needs a test framework. A value that makes no sense must
come back as `Rejected` with the field's name in `locator`, never as a score, never as an exception, never with the value in its text.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from trivet.contracts.feature import FeatureRow, FeatureValue
from trivet.contracts.ports import Runtime
from trivet.contracts.prediction import Prediction
from trivet.kernel.errors import Rejected

__all__ = ["RuntimeKit"]

SPOILT: dict[str, dict[str, Any]] = {
    "text": {"value": "12"},
    "a truth value": {"value": True},
    "not a number": {"value": math.nan},
    "infinity": {"value": math.inf},
    "a billion billions": {"value": 1e18},
    "another unit": {"unit": "furlong"},
    "another name": {"name": "furlong"},
}


def must(holds: object, what: str) -> None:
    """AssertionError with its reason, also where Python runs without assertions."""
    if not holds:
        raise AssertionError(what)


@dataclass(frozen=True, slots=True)
class RuntimeKit:
    """`open_it` loads the runtime; `rows` can all be scored; `inputs` are the features it reads (all of the first row's when empty)."""

    open_it: Callable[[], Runtime]
    rows: Sequence[FeatureRow]
    inputs: tuple[str, ...] = ()

    def check(self) -> None:
        """Everything."""
        self.check_identity()
        self.check_answers()
        self.check_same_bits()
        self.check_threads()
        self.check_nonsense()
        self.check_missing()
        self.check_other_view()

    def check_identity(self) -> None:
        """A runtime says which model it is and what its bytes are, the same at every load."""
        one, other = self.open_it(), self.open_it()
        must(one.ref == other.ref and one.ref.name and len(one.ref.digest) == 64, "the reference changes between loads, or says nothing")
        must(one.artefact_digest == other.artefact_digest and len(one.artefact_digest) == 64, "the artefact's digest changes between loads")
        facts = getattr(one, "facts", {})
        must("runtime" in facts and "batch" in facts, "facts do not say what a replay needs: runtime and batch")

    def check_answers(self) -> None:
        """A prediction is a finite number, its bits are its bits, and its reasons are sorted by weight and name inputs."""
        runtime = self.open_it()
        for row in self.rows:
            said = _scored(runtime.predict(row))
            must(said.model == runtime.ref, "an answer names another model")
            must(math.isfinite(said.value), "an answer is not finite")
            must(said.bits == struct.pack(">d", said.value).hex(), "the bits of an answer are not those of its value")
            weights = [abs(weight) for _, weight, _ in said.reasons]
            must(weights == sorted(weights, reverse=True), "reasons are not in falling order of weight")
            must({name for name, _, _ in said.reasons} <= {value.name for value in row.values}, "a reason names something that is no input")
            must(set(said.missing) <= {value.name for value in row.values if value.value is None}, "a known input is called missing")

    def check_same_bits(self) -> None:
        """The same row gives the same bits: again, after other rows, in another order, in a runtime loaded anew."""
        first = self.open_it()
        bits = [_scored(first.predict(row)).bits for row in self.rows]
        again = self.open_it()
        backwards = [_scored(again.predict(row)).bits for row in reversed(self.rows)]
        must(backwards[::-1] == bits, "an answer depends on what was asked before")
        must([_scored(first.predict(row)).bits for row in self.rows] == bits, "an answer changes when it is asked again")

    def check_threads(self) -> None:
        """Asked from several threads at once, every answer is the one it gives alone."""
        runtime = self.open_it()
        alone = [_scored(runtime.predict(row)) for row in self.rows]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(runtime.predict, list(self.rows) * 8))
        must(together == alone * 8, "answers mix when several threads ask")

    def check_nonsense(self) -> None:
        """Every way of spoiling every input is rejected by name, and the rejection does not hold the value."""
        runtime, row = self.open_it(), self.rows[0]
        for name in self._inputs():
            for what, change in SPOILT.items():
                if _value(row, name).value is None and "value" not in change:
                    continue
                said = runtime.predict(_changed(row, name, **change))
                must(isinstance(said, Rejected), f"{name}: {what} was scored")
                must(isinstance(said, Rejected) and said.locator == name, f"{name}: {what} was rejected under another name")
                must(
                    isinstance(said, Rejected) and "1e+18" not in said.reason and said.reason != "12",
                    f"{name}: the rejection holds the value",
                )
        twice = replace(row, values=(*row.values, _value(row, self._inputs()[0])))
        must(isinstance(runtime.predict(twice), Rejected), "an input that stands twice was scored")
        without = replace(row, values=tuple(value for value in row.values if value.name != self._inputs()[0]))
        must(isinstance(runtime.predict(without), Rejected), "a row without one of its inputs was scored")

    def check_missing(self) -> None:
        """A missing input is rejected, or the answer says that it was missing; it never passes in silence."""
        runtime, row = self.open_it(), self.rows[0]
        for name in self._inputs():
            said = runtime.predict(_changed(row, name, value=None, contributions=(), absence="left out", newest_at=""))
            if isinstance(said, Rejected):
                must(said.locator == name, f"{name}: missing, and another name was rejected")
            else:
                must(name in said.missing, f"{name}: missing, scored, and not said")

    def check_other_view(self) -> None:
        """A row of another view is not scored."""
        must(isinstance(self.open_it().predict(replace(self.rows[0], view="another")), Rejected), "a row of another view was scored")

    def _inputs(self) -> tuple[str, ...]:
        return self.inputs or tuple(value.name for value in self.rows[0].values)


def _scored(said: Prediction | Rejected) -> Prediction:
    must(isinstance(said, Prediction), f"a row that can be scored was rejected: {said}")
    assert isinstance(said, Prediction)
    return said


def _value(row: FeatureRow, name: str) -> FeatureValue:
    return next(value for value in row.values if value.name == name)


def _changed(row: FeatureRow, one: str, /, **change: Any) -> FeatureRow:
    return replace(row, values=tuple(replace(value, **change) if value.name == one else value for value in row.values))
