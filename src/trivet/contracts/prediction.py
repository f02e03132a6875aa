"""What a model answers, and what is answered when it may not: never a number that means "no answer"."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Answer", "ModelRef", "Prediction", "Withheld"]


@dataclass(frozen=True, slots=True)
class ModelRef:
    """One version of a model: `digest` is the SHA-256 of its canonical manifest, which names the digest of every file."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """An output with its reasons. `value` is a probability or a score; `bits` its IEEE-754 double, hexadecimal, for replay.

    `reasons` are (feature, contribution, how it is computed) in falling order of weight.
    """

    model: ModelRef
    value: float
    bits: str
    label: str
    threshold: float | None
    reasons: tuple[tuple[str, float, str], ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Withheld:
    """No answer, and that is said: the reason code, the failed conditions, and what to do instead."""

    reason: str
    failed: tuple[str, ...]
    instead: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What leaves the house for one request. `outcome` is `scored`, `fallback`, `withheld`, `abstained` or `suspended`;
    `mode` is `active`, `fallback` or `shadow`; `seq` the ledger position of the decision that explains it."""

    decision_id: str
    use: str
    person: str
    outcome: str
    mode: str
    prediction: Prediction | None
    withheld: Withheld | None
    seq: int
