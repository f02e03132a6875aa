"""Train a model on the sample hospital and put its version folder together, ready to be released.

    python training/train.py readmit-gb --home DIR [--patients 3000] [--seed 11]

The hospital of the training seed is another one than that of `trivet demo`. Every case goes through the real pipeline. The folder
holds `model.onnx`, `attribution.json` (its trees), `golden.json`, `evaluation.json` and `manifest.yaml`, sealed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parent))

from assess import assess
from cohort import Cases, cases, held_out
from fit import export, fit, golden, matrix, trees
from home import filled
from seal import seal

from trivet.data.definition import definition
from trivet.kernel.digest import digest
from trivet.kernel.ieee754 import bits_of
from trivet.models.registry import Registry
from trivet.models.runtimes import onnx

MODELS = Path(__file__).parent.parent / "src/trivet/maps/models"
HELD_OUT = 0.3


def main() -> None:
    """Parse, learn, export, assess, seal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", choices=sorted(path.stem for path in Path(__file__).parent.glob("recipes/*.yaml")))
    parser.add_argument("--home", type=Path, required=True, help="where the training hospital lives; made when it is not there")
    parser.add_argument("--patients", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=11)
    given = parser.parse_args()
    recipe = yaml.safe_load((Path(__file__).parent / f"recipes/{given.recipe}.yaml").read_text())
    house = filled(given.home, given.patients, given.seed)
    try:
        known = cases(house, recipe["uses"][0])
    finally:
        house.close()
    say(f"{len(known.rows)} cases, {sum(known.outcomes)} with the outcome")
    make(recipe, known, f"sample hospital, {given.patients} patients, seed {given.seed}")


def make(recipe: dict[str, Any], known: Cases, about: str) -> None:
    """One version folder out of a recipe and its cases."""
    view = definition(recipe["view"])
    features = {one.name: one for one in view.features}
    inputs = [_input(row, features[row["name"]]) for row in recipe["inputs"]]
    away = [held_out(row.person, HELD_OUT) for row in known.rows]
    learn, judge = known.part([not one for one in away]), known.part(away)
    numbers, good = matrix(learn.rows, inputs)
    import numpy as np

    outcomes = np.array(learn.outcomes)
    model = fit(numbers[good], outcomes[good], recipe["settings"])
    folder = MODELS / recipe["name"] / recipe["version"]
    folder.mkdir(parents=True, exist_ok=True)
    artefact = export(model, len(inputs))
    (folder / "model.onnx").write_bytes(artefact)
    (folder / "attribution.json").write_text(json.dumps(trees(model), separators=(",", ":")).replace("]]],[", "]]],\n[") + "\n")
    write_manifest(folder, recipe, inputs, view.digest)
    rows = golden(numbers[good], outcomes[good], inputs, lambda row: bits_of(bare(folder, row)))
    body = ",\n".join(f"    {json.dumps(row)}" for row in rows)
    told = json.dumps("rows that no patient has; bits of the released artefact")
    (folder / "golden.json").write_text(f'{{\n  "about": {told},\n  "tolerance": 1e-6,\n  "rows": [\n{body}\n  ]\n}}\n')
    manifest = seal(folder)
    parity(model, folder, numbers[good][:2000])
    registry = Registry(MODELS, "*")
    simple = registry.manifest(recipe["simple_score"]["name"], recipe["simple_score"]["version"])
    found = assess(judge.rows, judge.outcomes, registry.runtime(manifest.ref), registry.runtime(simple.ref), recipe["thresholds"]["*"])
    found |= {
        "data": about,
        "cases": known.digest,
        "view": view.digest,
        "learnt_from": {"n": int(good.sum()), "events": int(outcomes[good].sum()), "left_out": int((~good).sum())},
        "recipe": digest(recipe),
    }
    (folder / "evaluation.json").write_text(json.dumps(found, indent=1) + "\n")
    say(
        json.dumps(
            {key: found[key] for key in ("n", "events", "auroc", "observed_expected", "calibration", "simple_score", "at_threshold")},
            indent=1,
        )
    )
    made = seal(folder)
    size = sum((folder / name).stat().st_size for name in made.files)
    say(f"{made.name} {made.version} {made.digest[:16]}, {size / 1000:.0f} kB")


def _input(row: dict[str, Any], feature: Any) -> dict[str, Any]:
    """An input with the unit and the range of the view's feature."""
    return {
        "name": row["name"],
        "unit": feature.unit,
        "hard": list(feature.hard),
        **{key: value for key, value in row.items() if key != "name"},
    }


def write_manifest(folder: Path, recipe: dict[str, Any], inputs: list[dict[str, Any]], view: str) -> None:
    """The manifest but for its files."""
    left_out = {"settings", "simple_score", "inputs", "view"}
    held = {key: value for key, value in recipe.items() if key not in left_out}
    head = yaml.safe_dump({**held, "view": {"name": recipe["view"], "digest": view}}, sort_keys=False, width=1000, allow_unicode=True)
    lines = "\n".join("  - " + yaml.safe_dump(row, default_flow_style=True, sort_keys=False, width=1000).strip() for row in inputs)
    (folder / "manifest.yaml").write_text(
        f"# Written by training/train.py from training/recipes/{recipe['name']}.yaml.\n{head}inputs:\n{lines}\nfiles: {{}}\n"
    )


def bare(folder: Path, row: tuple[float, ...]) -> float:
    """The artefact's own number for one row."""
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession((folder / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"])
    return float(session.run(None, {"input": np.asarray([row], dtype=np.float32)})[-1][0][1])


def parity(model: Any, folder: Path, numbers: Any) -> None:
    """Refuse an artefact that says other things than the model that was fitted, or whose trees do not explain it."""
    import numpy as np
    import onnxruntime

    from trivet.models.attribution import Attribution

    session = onnxruntime.InferenceSession((folder / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"])
    there = session.run(None, {"input": numbers})[-1][:, 1].astype(np.float64)
    here = model.predict_proba(numbers)[:, 1]
    held = json.loads((folder / "attribution.json").read_text())
    explained = Attribution(held["base"], held["leaves"], numbers.shape[1])
    raw = np.array([explained.explain(row.astype(np.float64))[1] for row in numbers[:300]])
    worst = float(np.abs(there - here).max()), float(np.abs(1 / (1 + np.exp(-raw)) - there[:300]).max())
    say(f"largest difference: artefact {worst[0]:.2e}, trees {worst[1]:.2e}")
    if worst[0] > 1e-6 or worst[1] > onnx.AGREES:
        raise SystemExit("the export does not say what was fitted")


def say(line: str) -> None:
    """One line of progress."""
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main()
