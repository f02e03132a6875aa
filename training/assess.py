"""How good it is, on persons it has never seen: discrimination and calibration with intervals, by subgroup, beside the simple score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from trivet.contracts.feature import FeatureRow
from trivet.contracts.ports import Runtime
from trivet.contracts.prediction import Prediction
from trivet.kernel.validity import Estimate, auroc, observed_expected, paired_difference

__all__ = ["assess"]

FEWEST = 20  # events below which a subgroup is not judged


def assess(rows: Sequence[FeatureRow], outcomes: Sequence[bool], model: Runtime, simple: Runtime, threshold: float) -> dict[str, Any]:
    """Everything that goes into `evaluation.json`, from the loaded artefact's own answers."""
    said = [(row, outcome, model.predict(row), simple.predict(row)) for row, outcome in zip(rows, outcomes, strict=True)]
    scored = [(row, outcome, answer.value) for row, outcome, answer, _ in said if isinstance(answer, Prediction)]
    both = [(outcome, a.value, b.value) for _, outcome, a, b in said if isinstance(a, Prediction) and isinstance(b, Prediction)]
    values, happened = [value for _, _, value in scored], [outcome for _, outcome, _ in scored]
    intercept, slope = recalibration(values, happened)
    return {
        "n": len(said),
        "events": sum(outcome for _, outcome, _, _ in said),
        "scored": len(scored),
        "rejected": len(said) - len(scored),
        "auroc": told(auroc(values, happened)),
        "observed_expected": told(observed_expected(values, happened)),
        "calibration": {"intercept": intercept, "slope": slope},
        "brier": figure(sum((value - outcome) ** 2 for value, outcome in zip(values, happened, strict=True)) / len(values)),
        "at_threshold": at_threshold(values, happened, threshold),
        "simple_score": {
            "name": simple.ref.name,
            "auroc": told(auroc([score for _, _, score in both], [outcome for outcome, _, _ in both])),
            "difference": told(
                paired_difference([value for _, value, _ in both], [score for _, _, score in both], [outcome for outcome, _, _ in both])
            ),
        },
        "subgroups": subgroups(scored),
    }


def figure(value: float | None) -> float | None:
    """Four digits behind the point."""
    return None if value is None else round(value, 4)


def told(one: Estimate) -> dict[str, Any]:
    """An estimate as plain data."""
    return {"value": figure(one.value), "low": figure(one.low), "high": figure(one.high), "n": one.n, "events": one.events}


def at_threshold(values: Sequence[float], outcomes: Sequence[bool], threshold: float) -> dict[str, Any]:
    """What happens when everybody from the threshold on is flagged."""
    flagged = [outcome for value, outcome in zip(values, outcomes, strict=True) if value >= threshold]
    caught, events = sum(flagged), sum(outcomes)
    return {
        "threshold": threshold,
        "flagged_share": figure(len(flagged) / len(values)),
        "sensitivity": figure(caught / events) if events else None,
        "ppv": figure(caught / len(flagged)) if flagged else None,
    }


def recalibration(values: Sequence[float], outcomes: Sequence[bool]) -> tuple[float | None, float | None]:
    """Intercept and slope of a logistic regression of the outcome on the model's log odds (1 is perfect), by Newton's method."""
    odds = np.array([math.log(value / (1 - value)) for value in values])
    design, target, weights = np.column_stack([np.ones_like(odds), odds]), np.array(outcomes, dtype=np.float64), np.zeros(2)
    for _ in range(25):
        expected = 1 / (1 + np.exp(-design @ weights))
        weights = weights + np.linalg.solve(design.T @ (design * (expected * (1 - expected))[:, None]), design.T @ (target - expected))
    return figure(float(weights[0])), figure(float(weights[1]))


def subgroups(scored: Sequence[tuple[FeatureRow, bool, float]]) -> list[dict[str, Any]]:
    """By sex and by age band; too few events cannot be judged, and that is said."""
    made = []
    for name, low, high in (("female", 0, 0), ("female", 1, 1), ("age", 18, 49), ("age", 50, 64), ("age", 65, 79), ("age", 80, 120)):
        part = [(outcome, value) for row, outcome, value in scored if low <= {one.name: one.value for one in row.values}[name] <= high]
        outcomes, values = [outcome for outcome, _ in part], [value for _, value in part]
        enough = sum(outcomes) >= FEWEST and len(outcomes) - sum(outcomes) >= FEWEST
        about = {"group": f"{name} {low}" if low == high else f"{name} {low} to {high}", "n": len(part), "events": sum(outcomes)}
        if enough:
            about |= {"auroc": told(auroc(values, outcomes)), "observed_expected": told(observed_expected(values, outcomes))}
        made.append(about | {"judged": enough})
    return made
