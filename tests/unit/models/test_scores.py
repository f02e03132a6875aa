"""NEWS2 and LACE against the published tables: every edge of every band, written here a second time and by hand."""

from __future__ import annotations

import pytest

from model_rows import open_model, row
from trivet.contracts.ports import Runtime
from trivet.contracts.prediction import Prediction
from trivet.kernel.errors import Fault
from trivet.kernel.resources import text
from trivet.models.manifest import Manifest
from trivet.models.runtimes import rules

WELL = {"resp_rate": 16, "spo2": 98, "oxygen": 0, "temperature": 37.0, "systolic": 125, "pulse": 70, "consciousness": 0}
HOME = {"los_days": 0, "acute": 0, "comorbidity": 0, "ed_visits_6m": 0}

# Royal College of Physicians 2017, chart 1: value -> points, on both sides of every edge.
NEWS2 = [
    ("resp_rate", {3: 3, 8: 3, 9: 1, 11: 1, 12: 0, 20: 0, 21: 2, 24: 2, 25: 3, 60: 3}),
    ("spo2", {60: 3, 91: 3, 92: 2, 93: 2, 94: 1, 95: 1, 96: 0, 100: 0}),
    ("oxygen", {0: 0, 1: 2}),
    ("systolic", {50: 3, 90: 3, 91: 2, 100: 2, 101: 1, 110: 1, 111: 0, 219: 0, 220: 3, 300: 3}),
    ("pulse", {20: 3, 40: 3, 41: 1, 50: 1, 51: 0, 90: 0, 91: 1, 110: 1, 111: 2, 130: 2, 131: 3, 250: 3}),
    ("consciousness", {0: 0, 1: 3, 2: 3, 3: 3, 4: 3}),
    ("temperature", {30.0: 3, 35.0: 3, 35.1: 1, 36.0: 1, 36.1: 0, 38.0: 0, 38.1: 1, 39.0: 1, 39.1: 2, 42.0: 2}),
]
# SpO2 scale 2 on air and on oxygen (2 points of every "on oxygen" total are for the oxygen itself).
SCALE_2 = {
    0: {70: 3, 83: 3, 84: 2, 85: 2, 86: 1, 87: 1, 88: 0, 92: 0, 93: 0, 95: 0, 97: 0, 100: 0},
    1: {70: 3, 83: 3, 84: 2, 85: 2, 86: 1, 87: 1, 88: 0, 92: 0, 93: 1, 94: 1, 95: 2, 96: 2, 97: 3, 100: 3},
}
# van Walraven 2010, table 3.
LACE = [
    ("los_days", {0: 0, 0.99: 0, 1: 1, 1.99: 1, 2: 2, 3: 3, 3.99: 3, 4: 4, 6.99: 4, 7: 5, 13.99: 5, 14: 7, 60: 7}),
    ("acute", {0: 0, 1: 3}),
    ("comorbidity", {0: 0, 1: 1, 2: 2, 3: 3, 4: 5, 5: 5, 17: 5}),
    ("ed_visits_6m", {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 9: 4}),
]


def edges(tables: list[tuple[str, dict[float, int]]]) -> list[tuple[str, float, int]]:
    """One case for each value."""
    return [(name, value, points) for name, band in tables for value, points in band.items()]


@pytest.fixture(scope="module")
def news2(tmp_path_factory: pytest.TempPathFactory) -> tuple[Runtime, Manifest]:
    """NEWS2, loaded."""
    registry, manifest = open_model(tmp_path_factory.mktemp("models"), "news2")
    return registry.runtime(manifest.ref), manifest


@pytest.fixture(scope="module")
def lace(tmp_path_factory: pytest.TempPathFactory) -> tuple[Runtime, Manifest]:
    """LACE, loaded."""
    registry, manifest = open_model(tmp_path_factory.mktemp("models"), "lace")
    return registry.runtime(manifest.ref), manifest


def score(model: tuple[Runtime, Manifest], values: dict[str, float]) -> Prediction:
    """The answer for these values."""
    said = model[0].predict(row(model[1], values))
    assert isinstance(said, Prediction)
    return said


@pytest.mark.parametrize(("name", "value", "points"), edges(NEWS2))
def test_news2_gives_the_chart_s_points(news2: tuple[Runtime, Manifest], name: str, value: float, points: int) -> None:
    """One sign at a time, everything else normal: the total is that sign's points, and so is its reason."""
    said = score(news2, {**WELL, name: value})
    assert said.value == points
    assert {reason[0]: reason[1] for reason in said.reasons}[name] == points


@pytest.mark.parametrize(
    ("oxygen", "value", "points"), [(air, value, points) for air, band in SCALE_2.items() for value, points in band.items()]
)
def test_news2_scale_2(news2: tuple[Runtime, Manifest], oxygen: int, value: float, points: int) -> None:
    """Scale 2 counts high saturations against a patient on oxygen, and only then."""
    said = score(news2, {**WELL, "spo2": value, "oxygen": oxygen, "hypercapnic": 1})
    assert said.value == points + 2 * oxygen


@pytest.mark.parametrize(
    ("value", "points"), [(36.04, 1), (36.05, 0), (37.777777777777786, 0), (38.04999, 0), (38.05, 1), (39.0499, 1), (39.05, 2)]
)
def test_a_value_between_two_bands_goes_to_the_chart_s_step(news2: tuple[Runtime, Manifest], value: float, points: int) -> None:
    """Fahrenheit thermometers give temperatures between two tenths: half up, then the chart."""
    assert score(news2, {**WELL, "temperature": value}).value == points


@pytest.mark.parametrize(
    ("changed", "total", "label"),
    [({}, 0, "low"), ({"consciousness": 1}, 3, "low-medium"), ({"resp_rate": 24, "pulse": 115}, 4, "low"),
     ({"resp_rate": 24, "pulse": 115, "temperature": 38.5}, 5, "medium"), ({"resp_rate": 30, "spo2": 90, "pulse": 95}, 7, "high")],
)  # fmt: skip
def test_news2_thresholds(news2: tuple[Runtime, Manifest], changed: dict[str, float], total: int, label: str) -> None:
    """Chart 2: 7 and more is high, 5 and 6 medium, a 3 in one sign low-medium, else low."""
    said = score(news2, {**WELL, **changed})
    assert (said.value, said.label) == (total, label)


def test_without_a_prescription_scale_1_counts_and_that_is_said(news2: tuple[Runtime, Manifest]) -> None:
    """The one value that may stand in for a missing one is named among the missing."""
    assert score(news2, WELL).missing == ("hypercapnic",)
    assert score(news2, {**WELL, "hypercapnic": 0}).missing == ()


@pytest.mark.parametrize(("name", "value", "points"), edges(LACE))
def test_lace_gives_the_table_s_points(lace: tuple[Runtime, Manifest], name: str, value: float, points: int) -> None:
    """One letter at a time."""
    assert score(lace, {**HOME, name: value}).value == points


def test_lace_reaches_its_ends(lace: tuple[Runtime, Manifest]) -> None:
    """0 to 19 points; high from 10 on; the reasons add up."""
    most = score(lace, {"los_days": 20, "acute": 1, "comorbidity": 6, "ed_visits_6m": 7})
    assert (most.value, most.label, score(lace, HOME).label) == (19, "high", "low")
    assert sum(points for _, points, _ in most.reasons) == 19


UNSOUND = [
    ("{from: 9, to: 11, points: 1}", "{from: 10, to: 11, points: 1}"),
    ("{to: 8, points: 3}", "{to: 9, points: 3}"),
    ("when: {hypercapnic: 0}", "when: {hypercapnic: 1}"),
    ("input: resp_rate", "input: resp_rate\n    code: 1 + 1"),
]


@pytest.mark.parametrize("change", UNSOUND)
def test_a_table_with_a_gap_or_an_overlap_does_not_load(news2: tuple[Runtime, Manifest], change: tuple[str, str]) -> None:
    """No value may fall between two bands or into both, whatever the scale."""
    table = text("trivet.maps", "models", "news2", "1.0.0", "table.yaml")
    assert change[0] in table
    with pytest.raises(Fault):
        rules.load(news2[1], {"table.yaml": table.replace(*change).encode()}, "", "north")
