"""Results and scores. Rows behind every number: the keys of the records that failed a criterion are kept, and all are one call away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from trivet.data.omop.paths import every
from trivet.data.piqi.modules import MODULES, Around
from trivet.data.piqi.rubric import Criterion, sams

__all__ = ["Result", "Scores", "assess"]

KEPT = 100


class Result(NamedTuple):
    """One criterion on one record: `passed` is None for a skip; `sam` is the module that decided, a prerequisite where one failed."""

    criterion: Criterion
    passed: bool | None
    sam: str


@dataclass(slots=True)
class Scores:
    """Counts of one source: `counted` is (criterion, outcome) -> n, `weights` passed and performed, `rows` keys of failing records."""

    records: int = 0
    failed_records: int = 0
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    dimensions: Counter[str] = field(default_factory=Counter)
    weighted: list[float] = field(default_factory=lambda: [0.0, 0.0])
    rows: dict[str, list[str]] = field(default_factory=dict)

    def take(self, record: Mapping[str, Any], results: Iterable[Result]) -> None:
        """The results of one record."""
        self.records += 1
        critical = False
        for one in results:
            name = one.criterion.name
            outcome = "skip" if one.passed is None else "pass" if one.passed else "fail"
            self.counted[name, outcome] += 1
            if one.passed is None:
                continue
            if one.criterion.scoring:
                self.weighted[1] += one.criterion.weight
                self.weighted[0] += one.criterion.weight if one.passed else 0
            if not one.passed:
                self.dimensions[sams()[one.sam].dimension] += 1
                critical = critical or one.criterion.critical
                kept = self.rows.setdefault(name, [])
                if len(kept) < KEPT:
                    kept.append(f"{record['resourceType']}/{record.get('id', '')}")
        self.failed_records += critical

    def as_dict(self, rubric: Sequence[Criterion]) -> dict[str, Any]:
        """The documented form; `index` is None when nothing was performed: no score is not a score of nothing."""
        passed, performed = self.weighted
        criteria = []
        for one in rubric:
            counts = {outcome: self.counted[one.name, outcome] for outcome in ("pass", "fail", "skip")}
            if any(counts.values()):
                done = counts["pass"] + counts["fail"]
                share = round(counts["pass"] / done, 4) if done else None
                about = {"criterion": one.name, "class": one.data_class, "entity": one.entity, "sam": one.sam, "scoring": one.scoring}
                criteria.append(about | counts | {"share": share, "rows": self.rows.get(one.name, [])})
        return {
            "records": self.records,
            "index": round(100 * passed / performed, 2) if performed else None,
            "passed": passed,
            "performed": performed,
            "critical_failures": self.failed_records,
            "dimensions": dict(sorted(self.dimensions.items())),
            "criteria": criteria,
        }


def assess(record: Mapping[str, Any], rubric: Sequence[Criterion], around: Around) -> Iterator[Result]:
    """The results of every criterion that speaks of a record and whose condition holds."""
    for criterion in rubric:
        if criterion.resource == record["resourceType"] and _holds(criterion.when, record):
            found = every(record, criterion.path)
            passed, sam = _judged(criterion.sam, found, criterion, record, around)
            yield Result(criterion, passed, sam)


def _judged(name: str, found: Sequence[Any], criterion: Criterion, record: Mapping[str, Any], around: Around) -> tuple[bool | None, str]:
    """A module after what must pass before it: the first that does not pass decides."""
    before = sams()[name].prerequisite
    if before:
        passed, sam = _judged(before, found, criterion, record, around)
        if passed is not True:
            return passed, sam
    return MODULES[name](found, criterion.parameter, record, around), name


def _holds(when: str, record: Mapping[str, Any]) -> bool:
    path, _, wanted = when.partition("=")
    return not when or (wanted in map(str, every(record, path)) if wanted else bool(every(record, path)))
