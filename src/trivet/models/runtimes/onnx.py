"""ONNX artefacts: in, the bytes of a model; out, a runtime that answers one row at a time, on one thread, with the same bits again.

A batch of one keeps a linear model's bits independent of its neighbours; one thread keeps sums in one order. The output is the
probability of the second class. When `attribution.json` stands beside the model its trees explain each answer, and the load fails
if trees and model do not say the same.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trivet.contracts.feature import FeatureRow
from trivet.contracts.prediction import ModelRef, Prediction
from trivet.kernel.errors import Fault, Rejected
from trivet.kernel.ieee754 import bits_of
from trivet.kernel.jsontext import loads
from trivet.models.attribution import Attribution
from trivet.models.inputs import take
from trivet.models.manifest import Manifest

__all__ = ["OnnxRuntime", "load"]

ARTEFACT, TREES, LINEAR = "model.onnx", "attribution.json", "linear.json"
AGREES = 1e-6  # largest difference in probability between the trees (double) and the artefact (single precision)
SHAP = "log odds, Shapley value of the trees"


@dataclass(slots=True)
class OnnxRuntime:
    """`contracts.ports.Runtime` over onnxruntime. Its session may be used from several threads."""

    manifest: Manifest
    ref: ModelRef
    artefact_digest: str
    session: Any
    attribution: Attribution | None
    site: str
    facts: dict[str, str]

    def predict(self, row: FeatureRow) -> Prediction | Rejected:
        """A probability with its reasons, or why there is none. Fault E412 when the model itself gives no probability."""
        taken = take(self.manifest, row)
        if isinstance(taken, Rejected):
            return taken
        numbers, missing = taken
        value = self.run(numbers)
        threshold = self.manifest.threshold(self.site)
        labels = self.manifest.output["labels"]
        label = labels["flagged"] if threshold is not None and value >= threshold else labels["below"]
        return Prediction(self.ref, value, bits_of(value), label, threshold, self._reasons(numbers), missing)

    def run(self, numbers: tuple[float, ...]) -> float:
        """The bare model on one row."""
        batch = np.asarray([numbers], dtype=np.float32)
        value = float(self.session.run([self.facts["output"]], {self.facts["input"]: batch})[0][0][1])
        if not (math.isfinite(value) and 0.0 <= value <= 1.0):
            raise Fault("E412", f"{self.ref.name} gave no probability")
        return value

    def _reasons(self, numbers: tuple[float, ...]) -> tuple[tuple[str, float, str], ...]:
        if self.attribution is None:
            return ()
        shares, _ = self.attribution.explain(single(numbers))
        made = [(one.name, float(share), SHAP) for one, share in zip(self.manifest.inputs, shares, strict=True) if share]
        return tuple(sorted(made, key=lambda reason: (-abs(reason[1]), reason[0])))


def single(numbers: tuple[float, ...]) -> Any:
    """The numbers as the artefact sees them: rounded to single precision, then exact doubles."""
    return np.asarray(numbers, dtype=np.float32).astype(np.float64)


def load(manifest: Manifest, files: Mapping[str, bytes], artefact: str, site: str) -> OnnxRuntime:
    """The runtime over the artefact among these files. Fault E411 when onnxruntime cannot take it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(files[ARTEFACT], options, providers=["CPUExecutionProvider"])
    except _errors() as error:
        raise Fault(
            "E411", f"{manifest.name} {manifest.version} is not an ONNX model that can run here", why=type(error).__name__
        ) from None
    facts = {
        "runtime": f"onnxruntime/{onnxruntime.__version__}",
        "threads": "1",
        "batch": "1",
        "precision": "float32",
        "machine": f"{platform.machine()} {platform.system()}",
        "input": session.get_inputs()[0].name,
        "output": session.get_outputs()[-1].name,
        "replay": "R3",
    }
    attribution = None
    if TREES in files:
        trees = loads(files[TREES])
        attribution = Attribution(float(trees["base"]), trees["leaves"], len(manifest.inputs))
    made = OnnxRuntime(manifest, manifest.ref, artefact, session, attribution, site, facts)
    _agree(made, files[manifest.golden])
    return made


def _errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises for bytes it cannot take; its classes are no RuntimeErrors."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        RuntimeError,
        ValueError,
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoSuchFile,
        state.RuntimeException,
    )


def _agree(runtime: OnnxRuntime, golden: bytes) -> None:
    """Fault E413 when the trees that give reasons are not those that give the answer."""
    if runtime.attribution is None:
        return
    for row in loads(golden)["rows"]:
        values = [row["values"][one.name] for one in runtime.manifest.inputs]
        if "bits" not in row["expected"]:
            continue
        numbers = tuple(math.nan if value is None else float(value) for value in values)
        if any(one.missing == "reject" and math.isnan(number) for one, number in zip(runtime.manifest.inputs, numbers, strict=True)):
            continue
        _, raw = runtime.attribution.explain(single(numbers))
        if abs(1 / (1 + math.exp(-raw)) - runtime.run(numbers)) > AGREES:
            raise Fault("E413", f"the reasons of {runtime.ref.name} are not those of its artefact")
