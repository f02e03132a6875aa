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
    """Leaves of an ensemble, each `[value, path]`; a path has one step for each input that it asks, `[input, low, high, missing, share]`:
    the step is taken when `low < x <= high` (null: no bound), or, when x is missing, where `missing` is 1; `share` is the part of
    the training cases that went this way at those nodes."""

    def __init__(self, base: float, leaves: list[Any], inputs: int) -> None:
        self.base, self._inputs = base, inputs
        sizes = sorted({len(path) for _, path in leaves})
        self._groups = [_group([leaf for leaf in leaves if len(leaf[1]) == size], size) for size in sizes]

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


def _group(leaves: list[Any], size: int) -> tuple[npt.NDArray[np.int64], Floats, Floats, npt.NDArray[np.bool_], Floats, Floats]:
    """Leaves with paths of one length as arrays: inputs, bounds, way of the missing, shares, values."""

    def column(place: int, otherwise: float = 0.0) -> Floats:
        held = [[otherwise if step[place] is None else float(step[place]) for step in path] for _, path in leaves]
        return np.array(held, dtype=np.float64).reshape(len(leaves), size)

    values = np.array([float(value) for value, _ in leaves], dtype=np.float64)
    return column(0).astype(np.int64), column(1, -np.inf), column(2, np.inf), column(3).astype(np.bool_), column(4), values


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
