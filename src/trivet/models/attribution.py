"""Why a tree ensemble said what it said: exact Shapley values of its trees, path-dependent, on the scale of log odds.

In: the trees as leaves with the conditions on their paths (made by the training script beside the ONNX file). Out: one number for
each input; they and the base add up to the ensemble's raw output, which the runtime checks at load. Method: Lundberg et al. 2020,
Nature Machine Intelligence 2:56, "TreeSHAP"; for trees of small depth the sum over subsets is written out for each leaf.
"""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Attribution"]

Floats = npt.NDArray[np.float64]


class Attribution:
    """Leaves of an ensemble. `leaves` is a list of `{value, path}`; a path is a list, one item for each input that it asks, of
    `{input, low, high, missing, share}`: the leaf is reached when `low < x <= high` (or x is missing and `missing` is true);
    `share` is the part of the training weight that went this way at those nodes."""

    def __init__(self, base: float, leaves: list[dict[str, Any]], inputs: int) -> None:
        self.base, self._inputs = base, inputs
        self._groups = [
            _group([leaf for leaf in leaves if len(leaf["path"]) == size]) for size in sorted({len(leaf["path"]) for leaf in leaves})
        ]

    def explain(self, numbers: Floats) -> tuple[Floats, float]:
        """Contribution of each input, and the raw output that they explain (base included)."""
        shares, expected, raw = np.zeros(self._inputs), self.base, self.base
        for inputs, low, high, missing, share, values in self._groups:
            if inputs.shape[1] == 0:
                expected += float(values.sum())
                raw += float(values.sum())
                continue
            asked = numbers[inputs]
            hit = np.where(np.isnan(asked), missing, (asked > low) & (asked <= high)).astype(np.float64)
            raw += float((values * hit.prod(axis=1)).sum())
            expected += float((values * share.prod(axis=1)).sum())
            for place in range(inputs.shape[1]):
                np.add.at(shares, inputs[:, place], values * (hit[:, place] - share[:, place]) * _weights(hit, share, place))
        return shares, raw


def _group(leaves: list[dict[str, Any]]) -> tuple[npt.NDArray[np.int64], Floats, Floats, npt.NDArray[np.bool_], Floats, Floats]:
    """Leaves with paths of one length as arrays."""
    paths = [leaf["path"] for leaf in leaves]
    low = np.array([[-np.inf if step["low"] is None else float(step["low"]) for step in path] for path in paths], dtype=np.float64)
    high = np.array([[np.inf if step["high"] is None else float(step["high"]) for step in path] for path in paths], dtype=np.float64)
    inputs = np.array([[step["input"] for step in path] for path in paths], dtype=np.int64)
    missing = np.array([[bool(step["missing"]) for step in path] for path in paths], dtype=np.bool_)
    share = np.array([[float(step["share"]) for step in path] for path in paths], dtype=np.float64)
    return inputs, low, high, missing, share, np.array([float(leaf["value"]) for leaf in leaves], dtype=np.float64)


def _weights(hit: Floats, share: Floats, place: int) -> Floats:
    """Shapley weight of one step of each path: over subsets of the other steps, those inside taken, those outside averaged."""
    size = hit.shape[1]
    others = [other for other in range(size) if other != place]
    total: Floats = np.zeros(hit.shape[0])
    for inside in range(size):
        weight = factorial(inside) * factorial(size - inside - 1) / factorial(size)
        for chosen in combinations(others, inside):
            product: Floats = np.ones(hit.shape[0])
            for other in others:
                product = product * (hit[:, other] if other in chosen else share[:, other])
            total += weight * product
    return total
