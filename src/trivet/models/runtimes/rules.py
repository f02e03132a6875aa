"""Point scores from a table: in, a YAML table of bands that a clinician can read; out, a runtime. There is no code in a table.

A table has parts; a part reads one input, rounds it to the table's `step`, and gives the points of the band it falls into. A part
with `when` counts only where other inputs have the values named there. At load every part must answer for every value its input
may take, once: a gap or an overlap is a Fault, so no patient ever falls between two bands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from trivet.contracts.feature import FeatureRow
from trivet.contracts.prediction import ModelRef, Prediction
from trivet.kernel import yamltext
from trivet.kernel.errors import Fault, Rejected
from trivet.kernel.ieee754 import bits_of
from trivet.models.inputs import take
from trivet.models.manifest import Input, Manifest

__all__ = ["RulesRuntime", "load"]

ROUNDING = {"half-up": ROUND_HALF_UP, "down": ROUND_FLOOR}
PART = {"name", "input", "when", "step", "round", "bands"}


class Band(NamedTuple):
    """Values from `low` to `high`, both included, give `points`."""

    low: Decimal
    high: Decimal
    points: int


class Part(NamedTuple):
    """One line of the score."""

    name: str
    input: str
    when: tuple[tuple[str, float], ...]
    step: Decimal
    round: str
    bands: tuple[Band, ...]

    def points(self, value: float) -> tuple[int, str]:
        """Points for a value, and the band as text."""
        rounded = _rounded(value, self)
        for band in self.bands:
            if band.low <= rounded <= band.high:
                return band.points, f"{band.low:f} to {band.high:f}" if band.low != band.high else f"{band.low:f}"
        raise ValueError(f"no band of {self.name} holds the value")


@dataclass(slots=True)
class RulesRuntime:
    """`contracts.ports.Runtime` over a table of points. Integers only, so any machine gives the same bits."""

    manifest: Manifest
    ref: ModelRef
    artefact_digest: str
    score: str
    parts: tuple[Part, ...]
    labels: tuple[dict[str, Any], ...]
    site: str
    facts: dict[str, str]

    def predict(self, row: FeatureRow) -> Prediction | Rejected:
        """The sum of points with each part's share, or why there is none."""
        taken = take(self.manifest, row)
        if isinstance(taken, Rejected):
            return taken
        numbers, missing = taken
        values = dict(zip((one.name for one in self.manifest.inputs), numbers, strict=True))
        shares = []
        for part in self.parts:
            if all(values[name] == wanted for name, wanted in part.when):
                points, band = part.points(values[part.input])
                shares.append((part.input, float(points), f"{self.score} points, {part.name}: {band}"))
        total = sum(points for _, points, _ in shares)
        reasons = tuple(sorted(shares, key=lambda share: -share[1]))
        highest = max((points for _, points, _ in shares), default=0.0)
        return Prediction(
            self.ref, total, bits_of(total), self._label(total, highest), self.manifest.threshold(self.site), reasons, missing
        )

    def _label(self, total: float, highest: float) -> str:
        for label in self.labels:
            if total >= label.get("from", 0) and highest >= label.get("any_part", 0):
                return str(label["label"])
        return ""


def load(manifest: Manifest, files: Mapping[str, bytes], artefact: str, site: str) -> RulesRuntime:
    """The runtime over the table among these files. Fault E410 when the table leaves anything open."""
    table = yamltext.loads(files["table.yaml"])
    inputs = {one.name: one for one in manifest.inputs}
    try:
        parts = tuple(_part(row) for row in table["parts"])
        for name in {part.input for part in parts}:
            _complete([part for part in parts if part.input == name], inputs[name], inputs)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise Fault("E410", f"the table of {manifest.name} {manifest.version} does not fit", why=str(error)) from None
    facts = {"runtime": "rules/1", "batch": "1", "replay": "R3"}
    return RulesRuntime(manifest, manifest.ref, artefact, table["score"], parts, tuple(table["labels"]), site, facts)


def _part(row: Mapping[str, Any]) -> Part:
    if set(row) - PART:
        raise ValueError(f"unknown keys: {', '.join(sorted(set(row) - PART))}")
    step = Decimal(str(row.get("step", 1)))
    bands = tuple(
        Band(_edge(band.get("from"), "-Infinity"), _edge(band.get("to"), "Infinity"), int(band["points"])) for band in row["bands"]
    )
    when = tuple((str(name), float(value)) for name, value in row.get("when", {}).items())
    rounding = row.get("round", "half-up")
    return Part(row["name"], row["input"], when, step, ROUNDING[rounding], bands)


def _edge(value: Any, otherwise: str) -> Decimal:
    return Decimal(otherwise if value is None else str(value))


def _rounded(value: float, part: Part) -> Decimal:
    return (Decimal(repr(value)) / part.step).quantize(Decimal(1), part.round) * part.step


def _complete(parts: list[Part], one: Input, inputs: Mapping[str, Input]) -> None:
    """Every value on the grid of the input's range, under every combination of what `when` names, has exactly one band."""
    names = sorted({name for part in parts for name, _ in part.when})
    for setting in _settings(names, inputs):
        live = [part for part in parts if all(setting[name] == wanted for name, wanted in part.when)]
        if len(live) != 1:
            raise ValueError(f"{one.name}: {len(live)} parts count where {setting}")
        part = live[0]
        value, last = _rounded(one.hard[0], part), _rounded(one.hard[1], part)
        while value <= last:
            if sum(band.low <= value <= band.high for band in part.bands) != 1:
                raise ValueError(f"{part.name}: {value} has no band or two")
            value += part.step


def _settings(names: list[str], inputs: Mapping[str, Input]) -> Iterator[dict[str, float]]:
    """Every combination of whole values that these inputs may take."""
    if not names:
        yield {}
        return
    low, high = inputs[names[0]].hard
    for rest in _settings(names[1:], inputs):
        for value in range(int(low), int(high) + 1):
            yield {names[0]: float(value), **rest}
