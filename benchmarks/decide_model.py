"""What a model's answer costs: feature row and model for one person, against the bare runtime on the same numbers in the same run.

    python benchmarks/decide_model.py [--model readmit-gb] [--rows 800] [--rounds 300]

A person with `--rows` record versions (a stay of two weeks: vital signs every four hours, blood every day), read through the
published view as the decide flow reads it; then `many` over a cohort of 1,000 persons with 400 cases. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from hospital_rows import Shelf, at, condition, counted, coverage, encounter, measured, medicine, patient, payer_said, place
from record_rows import versions
from trivet.contracts.prediction import Prediction
from trivet.data.features import FeatureViews
from trivet.models.inputs import take
from trivet.models.registry import Registry, adopt, shipped

SIGNS = [
    ("9279-1", 16, "/min"),
    ("59408-5", 96, "%"),
    ("3151-8", 0, "L/min"),
    ("8310-5", 37, "Cel"),
    ("8480-6", 121, "mm[Hg]"),
    ("8867-4", 82, "/min"),
]
BLOOD = [
    ("718-7", 11.2, "g/dL"),
    ("2951-2", 138, "mmol/L"),
    ("2823-3", 4.1, "mmol/L"),
    ("2160-0", 1.1, "mg/dL"),
    ("3094-0", 18, "mg/dL"),
    ("1751-7", 3.6, "g/dL"),
]
NOW = at(100)


def life(person: str, rows: int) -> list[dict[str, Any]]:
    """Record versions of one person at discharge."""
    made = [
        patient(1, person=person),
        patient(1, ident="b", person=person),
        encounter("stay", "IMP", at(86), 2, person=person, where="Location/w1"),
        *(encounter(f"old{n}", "EMER" if n % 2 else "IMP", at(-40 * n), 2, end=at(-40 * n, 20), person=person) for n in range(1, 6)),
        *(condition(f"d{n}", code, at(-300), 2, person=person) for n, code in enumerate(("I50.9", "E11.9", "J44.9", "I10", "N18.30"))),
        *(medicine(f"m{n}", str(n), at(-100), 2, person=person) for n in range(8)),
        *(payer_said(f"e{n}", "14"[n % 2], "100.10", at(-30 * n), 2, person=person) for n in range(1, 8)),
        coverage("v", "BL", 2, person=person),
    ]
    hours = 0
    while len(made) < rows:
        moment = at(100, 11 - hours)
        signs = BLOOD if hours % 24 == 0 else []
        made += [measured(f"{code}-{hours}", code, value, unit, moment, 3, person=person) for code, value, unit in SIGNS + signs]
        hours += 4
    return made


def places() -> list[dict[str, Any]]:
    """Ten wards counted twice a day for a month."""
    wards = [place(f"w{n}", f"W{n}", 1) for n in range(10)]
    counts = {"beds-open": 28, "beds-taken": 25, "nurses-required": 6, "nurses-present": 5}
    return wards + [counted(f"c{n}-{day}", f"Location/w{n}", counts, at(day, 7), 2) for n in range(10) for day in range(70, 101)]


class Person(Shelf):
    """One person's slice, as the shelf gives it by index."""

    def versions(self, person: str | None = None, as_of: int | None = None) -> Any:
        """All of it."""
        return self._table


def spread(taken: list[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds."""
    ordered = sorted(taken)
    return {"p50_ms": round(ordered[len(ordered) // 2], 3), "p99_ms": round(ordered[int(len(ordered) * 0.99)], 3)}


def timed(work: Any, rounds: int) -> list[float]:
    """Milliseconds of each call, after five that do not count."""
    taken = []
    for number in range(rounds + 5):
        started = time.perf_counter()
        work()
        if number >= 5:
            taken.append((time.perf_counter() - started) * 1000)
    return taken


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="readmit-gb", choices=[name for name, _ in shipped()])
    parser.add_argument("--rows", type=int, default=800)
    parser.add_argument("--rounds", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        version = max(version for name, version in shipped() if name == given.model)
        adopt(given.model, version, Path(folder))
        registry = Registry(Path(folder), "north")
        manifest = registry.manifest(given.model, version)
        runtime: Any = registry.runtime(manifest.ref)
        views = FeatureViews(Person(versions(*life("p-1", given.rows))), Person(versions(*places())))
        row = views.one(manifest.view, "p-1", NOW, 10)
        said, taken = runtime.predict(row), take(manifest, row)
        if not isinstance(said, Prediction) or not isinstance(taken, tuple):
            raise SystemExit(f"the row cannot be scored: {said}")
        bare = timed((lambda: runtime.run(taken[0])) if hasattr(runtime, "run") else (lambda: runtime.predict(row)), given.rounds)
        model = timed(lambda: runtime.predict(row), given.rounds)
        whole = timed(lambda: runtime.predict(views.one(manifest.view, "p-1", NOW, 10)), given.rounds)
        crowd = Shelf(versions(*[one for n in range(1000) for one in life(f"p-{n}", 120)], *places()))
        many = FeatureViews(crowd)
        many.many(manifest.view, [("p-1", NOW, 10)])
        started = time.perf_counter()
        many.many(manifest.view, [(f"p-{n}", NOW, 10) for n in range(400)])
        took = time.perf_counter() - started
    print(
        json.dumps(
            {
                "model": f"{given.model} {version}",
                "versions_of_the_person": given.rows,
                "bare_runtime": spread(bare),
                "checked_and_explained": spread(model),
                "features_and_model": spread(whole),
                "ratio_p50": round(spread(whole)["p50_ms"] / max(spread(bare)["p50_ms"], 1e-9), 1),
                "many_400_cases_of_1000_persons_s": round(took, 3),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
