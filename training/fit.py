"""Gradient boosting on feature rows, and its export: ONNX for the answer, its trees for the reasons, golden rows for the proof."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from trivet.contracts.feature import FeatureRow

__all__ = ["export", "fit", "golden", "matrix", "trees"]

Floats = npt.NDArray[np.float32]


def matrix(rows: Sequence[FeatureRow], inputs: Sequence[dict[str, Any]]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Inputs as the artefact will see them, missing ones as NaN, and which rows could be scored at all: a row with a value outside
    its hard range, or without an input that must be there, is rejected in service and so is not learnt from."""
    places = {value.name: place for place, value in enumerate(rows[0].values)}
    numbers = np.array([[row.values[places[one["name"]]].value for one in inputs] for row in rows], dtype=np.float64)
    good = np.ones(len(rows), dtype=np.bool_)
    for place, one in enumerate(inputs):
        column = numbers[:, place]
        low, high = one["hard"]
        good &= np.isnan(column) | ((column >= low) & (column <= high))
        if one["missing"] == "reject":
            good &= ~np.isnan(column)
    return numbers.astype(np.float32), good


def fit(numbers: Floats, outcomes: npt.NDArray[np.bool_], settings: dict[str, Any]) -> HistGradientBoostingClassifier:
    """A small ensemble of shallow trees: no early stopping, so that the same data give the same trees. An input that nobody ever
    had is held constant, so that no tree asks for it."""
    numbers = np.where(np.isnan(numbers).all(axis=0), np.float32(0), numbers)
    model = HistGradientBoostingClassifier(early_stopping=False, random_state=0, **settings)
    return model.fit(numbers, outcomes)


def export(model: HistGradientBoostingClassifier, inputs: int) -> bytes:
    """The ONNX artefact: one float tensor `input` of shape (n, inputs), probabilities of both classes as the last output."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    made = to_onnx(
        model, initial_types=[("input", FloatTensorType([None, inputs]))], options={id(model): {"zipmap": False}}, target_opset=17
    )
    made.producer_name, made.producer_version, made.doc_string = "trivet", "1", ""
    return made.SerializeToString(deterministic=True)


def trees(model: HistGradientBoostingClassifier) -> dict[str, Any]:
    """The ensemble as leaves with their paths: `[value, [[input, low, high, missing, share], ...]]`, thresholds in single precision."""
    leaves: list[Any] = []
    for predictors in model._predictors:
        _walk(predictors[0].nodes, 0, {}, leaves)
    return {"base": float(np.float32(model._baseline_prediction.ravel()[0])), "leaves": leaves}


def _walk(nodes: Any, place: int, path: dict[int, list[Any]], leaves: list[Any]) -> None:
    node = nodes[place]
    if node["is_leaf"]:
        steps = [[one, *step[:3], round(step[3], 6)] for one, step in sorted(path.items())]
        leaves.append([float(np.float32(node["value"])), steps])
        return
    if node["is_categorical"]:
        raise ValueError("a categorical split has no path of bounds")
    one, limit = int(node["feature_idx"]), float(np.float32(node["num_threshold"]))
    for side, missing in (("left", bool(node["missing_go_to_left"])), ("right", not node["missing_go_to_left"])):
        low, high, stays, share = path.get(one, [None, None, 1, 1.0])
        part = float(nodes[int(node[side])]["count"]) / float(node["count"])
        bound = [low, limit if high is None else min(high, limit)] if side == "left" else [limit if low is None else max(low, limit), high]
        _walk(nodes, int(node[side]), {**path, one: [*bound, int(bool(stays) and missing), share * part]}, leaves)


def golden(numbers: Floats, outcomes: npt.NDArray[np.bool_], inputs: Sequence[dict[str, Any]], run: Any) -> list[dict[str, Any]]:
    """Rows that no patient has: quartiles of each input, high and low mixed, missing values where they may be missing. With the
    artefact's own bits, and one row for each rule of rejection."""
    quartiles = {share: [_typical(numbers[:, place], share) for place in range(len(inputs))] for share in (0.05, 0.25, 0.5, 0.75, 0.95)}
    rows = list(quartiles.values())
    rows += [[quartiles[0.95 if place % 2 else 0.05][place] for place in range(len(inputs))]]
    rows += [[None if one["missing"] == "native" else value for one, value in zip(inputs, quartiles[0.5], strict=True)]]
    rows += [
        [
            None if one["missing"] == "native" and place % 3 == 0 else value
            for place, (one, value) in enumerate(zip(inputs, quartiles[0.75], strict=True))
        ]
    ]
    made = []
    for row in rows:
        values = {one["name"]: value for one, value in zip(inputs, row, strict=True)}
        made.append({"values": values, "expected": {"bits": run(tuple(math.nan if value is None else value for value in row))}})
    good = dict(made[2]["values"])
    must = next(one for one in inputs if one["missing"] == "reject")
    made.append({"values": {**good, must["name"]: None}, "expected": {"rejected": "missing", "field": must["name"]}})
    made.append(
        {"values": {**good, must["name"]: must["hard"][1] * 10 + 1}, "expected": {"rejected": "out-of-range", "field": must["name"]}}
    )
    return made


def _typical(column: Floats, share: float) -> float:
    known = column[~np.isnan(column)]
    value = float(np.quantile(known, share)) if len(known) else 1.0
    return float(f"{value:.3g}")
