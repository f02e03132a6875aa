"""AUROC, DeLong and observed over expected against values worked out another way."""

from __future__ import annotations

import random

import pytest

from trivet.kernel.validity import auroc, observed_expected, paired_difference

sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn (extra train) is not installed")


def sample(seed: int, n: int = 400) -> tuple[list[float], list[float], list[bool]]:
    """Two scores of different quality and outcomes."""
    chance = random.Random(seed)
    outcomes = [chance.random() < 0.2 for _ in range(n)]
    good = [round(chance.gauss(1.0 if one else 0.0, 1), 1) for one in outcomes]
    weak = [round(chance.gauss(0.3 if one else 0.0, 1), 1) for one in outcomes]
    return good, weak, outcomes


@pytest.mark.parametrize("seed", range(5))
def test_auroc_equals_scikit_learn(seed: int) -> None:
    """The same value to 12 digits, ties included; the interval holds it."""
    good, _, outcomes = sample(seed)
    found = auroc(good, outcomes)
    assert found.value == pytest.approx(sklearn.roc_auc_score(outcomes, good), abs=1e-12)
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert found.low < found.value < found.high


def test_the_interval_covers() -> None:
    """Over 300 simulated samples the 95 % interval holds the true area about as often as it says (92 to 98 %)."""
    truth = 0.7602499389065233  # two normal distributions one standard deviation apart: Phi(1/sqrt 2)
    held = 0
    for seed in range(300):
        chance = random.Random(seed)
        outcomes = [one < 60 for one in range(260)]
        found = auroc([chance.gauss(1.0 if one else 0.0, 1) for one in outcomes], outcomes)
        held += found.low is not None and found.high is not None and found.low <= truth <= found.high
    assert 276 <= held <= 294


def test_a_better_score_is_better() -> None:
    """The paired difference is positive with its interval above zero, and turns round with its arguments."""
    good, weak, outcomes = sample(1, 2000)
    ahead, behind = paired_difference(good, weak, outcomes), paired_difference(weak, good, outcomes)
    assert ahead.low is not None
    assert ahead.low > 0
    assert ahead.value == pytest.approx(-(behind.value or 0))


def test_nothing_to_measure_is_said() -> None:
    """Without events, without others, or without expectation there is no number."""
    assert auroc([1.0, 2.0], [False, False]).value is None
    assert auroc([1.0], [True]).value is None
    assert observed_expected([0.0, 0.0], [False, True]).value is None


def test_observed_expected() -> None:
    """Ten events where ten were expected: 1, with Byar's interval 0.48 to 1.84."""
    found = observed_expected([0.1] * 100, [one < 10 for one in range(100)])
    assert found.value == pytest.approx(1.0)
    assert found.low == pytest.approx(0.479, abs=0.002)
    assert found.high == pytest.approx(1.839, abs=0.002)
