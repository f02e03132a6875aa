"""FEBRL 1 to 4 and a set of Splink's: who is who in tables whose truth is known, without a label or a setting. F1 over pairs."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trivet.contracts.suite import SuiteResult
from trivet.data.identity.resolve import deduplicate, link_tables
from trivet.data.identity.table import read_people

__all__ = ["run"]

# table (relative to the folder): the column that holds the truth, the least F1
ALONE = {
    "febrl/dataset1.csv": ("rec_id", 0.998),
    "febrl/dataset2.csv": ("rec_id", 0.998),
    "febrl/dataset3.csv": ("rec_id", 0.9985),
    "splink-fake-1000/tests/datasets/fake_1000_from_splink_demos.csv": ("cluster", 0.95),
}
BETWEEN = {"febrl/dataset4": ("febrl/dataset4a.csv", "febrl/dataset4b.csv", 0.9999)}


def _truth(path: Path, column: str) -> list[str]:
    """The true person of each row: `rec-12-dup-0` is person 12."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, skipinitialspace=True))
    return [row[column].split("-")[1] if column == "rec_id" else row[column] for row in rows]


def _pairs(labels: Sequence[Any]) -> int:
    return sum(count * (count - 1) // 2 for count in Counter(labels).values())


def _measured(right: int, said: int, true: int) -> dict[str, float]:
    precision, recall = right / said if said else 0.0, right / true if true else 0.0
    return {"precision": round(precision, 6), "recall": round(recall, 6), "f1": round(2 * right / (said + true), 6)}


def run(corpora: Path) -> SuiteResult:
    """One case for each table or pair of tables: its F1 reaches the least that is promised."""
    result = SuiteResult("record-linkage")
    folder = corpora / "record-linkage"
    for name, (column, least) in ALONE.items():
        path = folder / name
        if not path.is_file():
            result.excluded[name] = "the table is not in this folder"
            continue
        truth = _truth(path, column)
        found = deduplicate(read_people(path.read_text(encoding="utf-8"), {}, name)).clusters
        right = _pairs(list(zip(truth, found, strict=True)))
        _judge(result, name, _measured(right, _pairs(found), _pairs(truth)), least)
    for name, (one, other, least) in BETWEEN.items():
        left, right_path = folder / one, folder / other
        if not left.is_file() or not right_path.is_file():
            result.excluded[name] = "the tables are not in this folder"
            continue
        here, there = _truth(left, "rec_id"), _truth(right_path, "rec_id")
        people, against = (read_people(path.read_text(encoding="utf-8"), {}, path.name) for path in (left, right_path))
        matches = [(row, said.against) for row, said in enumerate(link_tables(people, against).decisions) if said.decision == "match"]
        known = Counter(there)
        right = sum(here[row] == there[met] for row, met in matches)
        _judge(result, name, _measured(right, len(matches), sum(known[person] for person in here)), least)
    return result


def _judge(result: SuiteResult, name: str, measured: dict[str, float], least: float) -> None:
    result.measures[name] = measured
    if measured["f1"] >= least:
        result.passed.append(name)
    else:
        result.failed[name] = f"F1 {measured['f1']} is less than {least}"
