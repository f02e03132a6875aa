"""Every shipped model passes the kit that third parties run, and a runtime that guesses does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from hospital_rows import Shelf, at, measured, patient
from model_rows import open_model, row
from record_rows import versions
from trivet.contracts.feature import FeatureRow
from trivet.contracts.ports import Runtime
from trivet.contracts.prediction import ModelRef, Prediction
from trivet.data.definition import definition
from trivet.data.features import FeatureViews
from trivet.kernel.errors import Rejected
from trivet.kernel.ieee754 import bits_of
from trivet.kernel.jsontext import loads
from trivet.models.manifest import Manifest
from trivet.models.registry import Registry, shipped
from trivet.testing.kits.runtime import RuntimeKit


def good_rows(folder: Path, manifest: Manifest) -> list[FeatureRow]:
    """The golden rows that can be scored."""
    golden = loads((folder / manifest.name / manifest.version / manifest.golden).read_bytes())["rows"]
    held = [one["values"] for one in golden if "rejected" not in one["expected"]]
    return [row(manifest, {name: None if value is None else float(value) for name, value in values.items()}) for values in held]


@pytest.mark.parametrize(("name", "version"), shipped())
def test_shipped_models_keep_what_a_runtime_must(name: str, version: str, tmp_path: Path) -> None:
    """Identity, answers, bits, threads, nonsense, missing values, another view."""
    _, manifest = open_model(tmp_path, name, version)
    rows = good_rows(tmp_path, manifest)
    full = [one for one in rows if all(value.value is not None for value in one.values)] or rows

    def open_it() -> Runtime:
        return Registry(tmp_path, "north").runtime(manifest.ref)

    RuntimeKit(open_it, full + rows).check()


class Guesser:
    """A runtime as one meets them: it takes whatever comes, and what is missing is 0."""

    ref = ModelRef("guesser", "1", "0" * 64)
    artefact_digest = "0" * 64
    facts: ClassVar = {"runtime": "guess/1", "batch": "1"}

    def predict(self, row: FeatureRow) -> Prediction | Rejected:
        """A sum of everything."""
        total = float(sum(float(value.value or 0) for value in row.values))
        return Prediction(self.ref, total, bits_of(total), "", None, ())


@pytest.mark.parametrize("check", ["check_nonsense", "check_missing", "check_other_view"])
def test_the_kit_catches_a_guesser(check: str, tmp_path: Path) -> None:
    """Nonsense scored, a missing value taken for 0, another view accepted: each is found."""
    _, manifest = open_model(tmp_path, "lace")
    rows = good_rows(tmp_path, manifest)
    with pytest.raises(AssertionError):
        getattr(RuntimeKit(Guesser, rows), check)()


def test_the_kit_catches_bits_that_change(tmp_path: Path) -> None:
    """A runtime that counts its calls gives other bits the second time."""
    _, manifest = open_model(tmp_path, "lace")

    class Drifting(Guesser):
        """Adds a little at every call."""

        calls = 0

        def predict(self, row: FeatureRow) -> Prediction | Rejected:
            self.calls += 1
            said = super().predict(row)
            assert isinstance(said, Prediction)
            return replace(said, value=said.value + self.calls, bits=bits_of(said.value + self.calls))

    with pytest.raises(AssertionError):
        RuntimeKit(Drifting, good_rows(tmp_path, manifest)).check_same_bits()


@pytest.mark.parametrize(("name", "version"), shipped())
def test_shipped_models_fit_their_view(name: str, version: str, tmp_path: Path) -> None:
    """Inputs are features of the view, in its unit, with ranges inside its own; what was trained is bound to the view as it stands.

    When this fails for a trained model after a change of the view: train it again, or keep the view.
    """
    _, manifest = open_model(tmp_path, name, version)
    view = definition(manifest.view)
    features = {one.name: one for one in view.features}
    for one in manifest.inputs:
        assert one.unit == features[one.name].unit, one.name
        assert features[one.name].hard[0] <= one.hard[0] <= one.hard[1] <= features[one.name].hard[1], one.name
    assert manifest.kind != "trained" or manifest.view_digest == view.digest


def test_a_score_counts_what_the_view_gives(tmp_path: Path) -> None:
    """From records to the answer, through view and runtime: a patient with NEWS2 of 9, every point traced to its record."""
    signs = [
        ("9279-1", 26, "/min"),
        ("59408-5", 93, "%"),
        ("3151-8", 2, "L/min"),
        ("8310-5", 37.5, "Cel"),
        ("8480-6", 101, "mm[Hg]"),
        ("8867-4", 95, "/min"),
    ]
    rows = [patient(1), *(measured(code, code, value, unit, at(99, 23), 2) for code, value, unit in signs)]
    grade = {"valueQuantity": None, "valueCodeableConcept": {"coding": [{"system": "urn:avpu", "code": "A"}]}}
    rows.append(measured("67775-7", "67775-7", 0, "", at(99, 23), 2, extra=grade))
    views = FeatureViews(Shelf(versions(*rows)))
    made = views.one("deterioration", "p-1", at(100), 10)
    views.close()
    registry, manifest = open_model(tmp_path, "news2")
    said = registry.runtime(manifest.ref).predict(made)
    assert isinstance(said, Prediction)
    assert (said.value, said.label) == (3 + 2 + 2 + 0 + 1 + 1 + 0, "high")
    by_name = {value.name: value for value in made.values}
    assert all(by_name[name].contributions for name, points, _ in said.reasons if points)
