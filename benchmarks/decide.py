"""How long one governed decision takes, record included, against the bare model call and this disk's append and fdatasync.

    python benchmarks/decide.py [--decisions 500] [--features 40]

Real store, vault, ledger, office and gate; a feature row of `--features` values by hand and a model that does nothing, so that
what is measured is governance and record. The demo measures the same with real features and models.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from office_house import NOW, Ward
from trivet.contracts.feature import Contribution, FeatureRow, FeatureValue
from trivet.flows.decide import decide, decide_many


class Wide:
    """Rows as wide as a real one, each value with three facts behind it."""

    def __init__(self, width: int) -> None:
        facts = tuple(Contribution(f"Observation/{number:032x}", 1, "valueQuantity.value") for number in range(3))
        self.values = (
            FeatureValue("age", 70.0, "a", facts),
            *(FeatureValue(f"f{number}", number / 7, "1", facts) for number in range(width - 1)),
        )

    def one(self, view: str, person: str, instant: str, as_of: int) -> FeatureRow:
        """One row."""
        return FeatureRow(person, instant, as_of, view, "c" * 64, self.values)

    def many(self, view: str, cohort: list[tuple[str, str, int]]) -> list[FeatureRow]:
        """Many rows."""
        return [self.one(view, *case) for case in cohort]


def fdatasync(folder: Path, times: int) -> list[float]:
    """Sorted milliseconds of an append of one record's size and its fdatasync."""
    taken = []
    with (folder / "append").open("ab") as file:
        for _ in range(times):
            started = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - started) * 1000)
    return sorted(taken)


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--decisions", type=int, default=500)
    parser.add_argument("--features", type=int, default=40)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ward = Ward(folder / "home")
        ward.people()
        ward.bring_live("readmit-gb")
        ward.features.one, ward.features.many = Wide(given.features).one, Wide(given.features).many  # type: ignore[method-assign]
        model, row = ward.models["readmit-gb"], ward.features.one("readmission", "p-0", NOW, 0)
        bare, single = [], []
        for number in range(given.decisions):
            started = time.perf_counter()
            model.predict(row)
            middle = time.perf_counter()
            decide(ward.house, ward.question(f"p-{number % 50}"))
            single.append((time.perf_counter() - middle) * 1000)
            bare.append((middle - started) * 1000)
        started = time.perf_counter()
        decide_many(ward.house, [ward.question(f"p-{number % 50}") for number in range(given.decisions)])
        cohort = time.perf_counter() - started
        disk = fdatasync(folder, 200)
        ward.close()
    bare, single = sorted(bare), sorted(single)
    half, last = given.decisions // 2, given.decisions * 99 // 100
    print(
        json.dumps(
            {
                "benchmark": "decide",
                "decisions": given.decisions,
                "features": given.features,
                "one_p50_ms": round(single[half], 3),
                "one_p99_ms": round(single[last], 3),
                "bare_model_p50_ms": round(bare[half], 4),
                "append_fdatasync_p50_ms": round(disk[100], 3),
                "append_fdatasync_p99_ms": round(disk[198], 3),
                "cohort_per_second": round(given.decisions / cohort),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
