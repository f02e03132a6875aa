"""The trained models through onnxruntime: the same bits again, reasons that add up, and nothing loaded that is not what it says."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from model_rows import open_model, row
from trivet.contracts.ports import Runtime
from trivet.contracts.prediction import Prediction
from trivet.kernel.digest import sha256
from trivet.kernel.errors import Fault, Refused, Rejected
from trivet.kernel.jsontext import loads
from trivet.models.attribution import Attribution
from trivet.models.manifest import Manifest, read_manifest
from trivet.models.registry import Registry, shipped

TRAINED = [(name, version) for name, version in shipped() if name in ("readmit-gb", "ward-watch")]
GRAVE: dict[str, dict[str, float | None]] = {
    "readmit-gb": {"comorbidity": 9.0, "stays_12m": 5.0, "ed_visits_6m": 4.0, "los_days": 14.0, "haemoglobin": 8.0, "albumin": 2.5},
    "ward-watch": {
        "resp_rate": 34.0,
        "spo2": 84.0,
        "systolic": 82.0,
        "pulse": 135.0,
        "consciousness": 3.0,
        "oxygen": 1.0,
        "resp_rate_change": 12.0,
    },
}
Opened = tuple[Path, Runtime, Manifest]


@pytest.fixture(scope="module", params=TRAINED, ids=lambda param: param[0])
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """One trained model, loaded."""
    folder = tmp_path_factory.mktemp("models")
    registry, manifest = open_model(folder, *request.param)
    return folder / manifest.name / manifest.version, registry.runtime(manifest.ref), manifest


def golden(opened: Opened) -> list[dict[str, float | None]]:
    """Inputs of the golden rows that can be scored."""
    rows = loads((opened[0] / opened[2].golden).read_bytes())["rows"]
    held = [one["values"] for one in rows if "bits" in one["expected"]]
    return [{name: None if value is None else float(value) for name, value in values.items()} for values in held]


def said(opened: Opened, values: dict[str, float | None]) -> Prediction:
    """The answer."""
    answer = opened[1].predict(row(opened[2], values))
    assert isinstance(answer, Prediction)
    return answer


def resealed(folder: Path, target: Path, name: str, data: bytes) -> tuple[Registry, Manifest]:
    """A copy of a model with one file exchanged and every digest put right: what a careless release would look like."""
    shutil.copytree(folder, target / folder.parent.name / folder.name)
    place = target / folder.parent.name / folder.name
    (place / name).write_bytes(data)
    manifest = read_manifest((place / "manifest.yaml").read_bytes())
    text = (place / "manifest.yaml").read_text().replace(manifest.files[name], sha256(data))
    (place / "manifest.yaml").write_text(text)
    return Registry(target, "north"), read_manifest(text.encode())


def test_reasons_add_up_to_the_answer(opened: Opened) -> None:
    """Shapley values and the expected value of the trees give the log odds of the answer."""
    trees = loads((opened[0] / "attribution.json").read_bytes())
    explained = Attribution(float(trees["base"]), trees["leaves"], len(opened[2].inputs))
    for values in golden(opened):
        answer = said(opened, values)
        numbers = [math.nan if values[one.name] is None else values[one.name] for one in opened[2].inputs]
        shares, raw = explained.explain(np.array(numbers, dtype=np.float32).astype(np.float64))
        assert sum(weight for _, weight, _ in answer.reasons) == pytest.approx(float(shares.sum()), abs=1e-9)
        assert 1 / (1 + math.exp(-raw)) == pytest.approx(answer.value, abs=1e-6)


def test_a_model_loaded_anew_gives_the_same_bits(opened: Opened) -> None:
    """What replay rests on."""
    again = Registry(opened[0].parent.parent, "north").runtime(opened[2].ref)
    for values in golden(opened):
        answer = again.predict(row(opened[2], values))
        assert isinstance(answer, Prediction)
        assert answer.bits == said(opened, values).bits


def test_missing_values_are_said_and_not_made_up(opened: Opened) -> None:
    """An input that may be missing changes the answer or not, but it is named; one that may not is a rejection."""
    values = golden(opened)[2]
    for one in opened[2].inputs:
        answer = opened[1].predict(row(opened[2], {**values, one.name: None}))
        if one.missing == "reject":
            assert isinstance(answer, Rejected)
        else:
            assert isinstance(answer, Prediction)
            assert answer.missing == (one.name,)


def test_the_label_turns_at_the_threshold(opened: Opened) -> None:
    """From the threshold on it is flagged."""
    labels = opened[2].output["labels"]
    rows = golden(opened)
    answers = [said(opened, values) for values in [*rows, {**rows[2], **GRAVE[opened[2].name]}]]
    assert {answer.label for answer in answers} == {labels["flagged"], labels["below"]}
    for answer in answers:
        assert answer.threshold is not None
        assert (answer.label == labels["flagged"]) == (answer.value >= answer.threshold)


def test_bytes_that_are_no_model(opened: Opened, tmp_path: Path) -> None:
    """A file that onnxruntime cannot take is a fault of ours, said so, even where every digest fits."""
    registry, manifest = resealed(opened[0], tmp_path, "model.onnx", b"\x08\x07nonsense")
    with pytest.raises(Fault) as caught:
        registry.runtime(manifest.ref)
    assert caught.value.code == "E411"


def test_reasons_of_another_model(opened: Opened, tmp_path: Path) -> None:
    """Trees that are not those of the artefact do not get to explain it."""
    trees = json.loads((opened[0] / "attribution.json").read_text())
    trees["leaves"][0][0] += 0.25
    registry, manifest = resealed(opened[0], tmp_path, "attribution.json", json.dumps(trees).encode())
    with pytest.raises(Fault) as caught:
        registry.runtime(manifest.ref)
    assert caught.value.code == "E413"


def test_another_artefact_fails_the_golden_rows(opened: Opened, tmp_path: Path) -> None:
    """A retrained artefact under the old golden rows is found, though it is a good model and every digest fits."""
    text = (opened[0] / opened[2].golden).read_text()
    rows = json.loads(text)
    rows["rows"][0]["expected"]["bits"] = rows["rows"][4]["expected"]["bits"]
    registry, manifest = resealed(opened[0], tmp_path, opened[2].golden, json.dumps(rows).encode())
    with pytest.raises(Refused) as caught:
        registry.runtime(manifest.ref)
    assert caught.value.failed == ("golden-rows",)


def test_evaluation_says_on_what_it_rests(opened: Opened) -> None:
    """Intervals, events, subgroups that are judged or said not to be, the simple score on the same cases, the view it was made on."""
    found = json.loads((opened[0] / "evaluation.json").read_text())
    assert found["view"] == opened[2].view_digest
    assert found["auroc"]["low"] < found["auroc"]["value"] < found["auroc"]["high"]
    assert found["scored"] + found["rejected"] == found["n"]
    assert found["simple_score"]["difference"]["low"] < found["simple_score"]["difference"]["high"]
    assert all(("auroc" in group) == group["judged"] for group in found["subgroups"])
    assert sum((opened[0] / name).stat().st_size for name in opened[2].files) < 300_000
