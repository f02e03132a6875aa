"""Reasons: exact Shapley values of small trees, checked against the definition by brute force."""

from __future__ import annotations

import math
import random
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from trivet.models.attribution import Attribution

Path = list[list[Any]]


def tree(rng: random.Random, inputs: int, depth: int) -> tuple[list[Any], Any]:
    """A random tree as leaves with paths, and as nested (input, limit, missing left, share left, left, right) for the oracle."""
    leaves: list[Any] = []

    def grow(depth: int, path: dict[int, list[Any]]) -> Any:
        if depth == 0 or rng.random() < 0.15:
            value = rng.uniform(-2, 2)
            leaves.append([value, [[one, *step] for one, step in sorted(path.items())]])
            return value
        one, limit, way, share = rng.randrange(inputs), rng.uniform(-1, 1), rng.random() < 0.5, rng.uniform(0.1, 0.9)
        low, high, stays, part = path.get(one, [None, None, 1, 1.0])
        left = [low, limit if high is None else min(high, limit), int(stays and way), part * share]
        right = [limit if low is None else max(low, limit), high, int(stays and not way), part * (1 - share)]
        return (one, limit, way, share, grow(depth - 1, {**path, one: left}), grow(depth - 1, {**path, one: right}))

    return leaves, grow(depth, {})


def expected(node: Any, row: list[float], known: set[int]) -> float:
    """The tree's value when only some inputs are known: at the others both ways, by their share (Lundberg 2020, algorithm 1)."""
    if not isinstance(node, tuple):
        return float(node)
    one, limit, way, share, left, right = node
    if one in known:
        goes_left = way if math.isnan(row[one]) else row[one] <= limit
        return expected(left if goes_left else right, row, known)
    return share * expected(left, row, known) + (1 - share) * expected(right, row, known)


@pytest.mark.parametrize("seed", range(25))
def test_shapley_values_are_those_of_the_definition(seed: int) -> None:
    """For every order in which inputs become known: the average change. And they add up."""
    rng = random.Random(seed)
    inputs, trees = 4, [tree(rng, 4, 3) for _ in range(3)]
    row = [math.nan if rng.random() < 0.2 else rng.uniform(-1.5, 1.5) for _ in range(inputs)]
    shares, raw = Attribution(0.25, [leaf for leaves, _ in trees for leaf in leaves], inputs).explain(np.array(row))

    def value(known: set[int]) -> float:
        return sum(expected(root, row, known) for _, root in trees)

    orders = list(permutations(range(inputs)))
    for one in range(inputs):
        changes = [value(set(order[: order.index(one) + 1])) - value(set(order[: order.index(one)])) for order in orders]
        assert shares[one] == pytest.approx(sum(changes) / len(orders), abs=1e-12)
    assert raw == pytest.approx(0.25 + value(set(range(inputs))), abs=1e-12)
    assert sum(shares) == pytest.approx(raw - 0.25 - value(set()), abs=1e-12)


def test_an_input_asked_twice_on_a_path_is_one_step() -> None:
    """Two splits on the same input make one interval, and the share of both."""
    leaves = [[1.0, [[0, 0.0, 1.0, 0, 0.2]]], [0.0, [[0, None, 0.0, 1, 0.5]]], [0.0, [[0, 1.0, None, 0, 0.3]]]]
    shares, raw = Attribution(0.0, leaves, 1).explain(np.array([0.5]))
    assert (shares[0], raw) == (pytest.approx(0.8), 1.0)
