"""How good is a model here: run it over past cases with what was known then, and hold it against what followed.

In: a released model version, cases with outcomes, the score it would replace. Out: items of evidence of kind M (measured): local
validity, calibration, subgroups, comparator, no leakage. Too few events is `insufficient_n`, never a pass. Nothing is released
and nobody's decision changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from trivet.contracts.feature import FeatureRow
from trivet.contracts.governance import Evidence, Release
from trivet.contracts.house import House
from trivet.contracts.prediction import Prediction
from trivet.kernel.digest import digest
from trivet.kernel.validity import Estimate, auroc, observed_expected, paired_difference

__all__ = ["Case", "Cohort", "evaluate"]

FLOOR = 0.5  # a model whose lower bound is not better than chance does not serve


class Case(NamedTuple):
    """One past moment: who, when, the ledger position known then, and what followed."""

    person: str
    instant: str
    as_of: int
    outcome: bool


@dataclass(frozen=True, slots=True)
class Cohort:
    """Cases of one use with their feature rows; `query` is the digest of the statement that named the cases."""

    cases: tuple[Case, ...]
    rows: tuple[FeatureRow, ...]
    query: str


class Scored(NamedTuple):
    """A case that the model could score."""

    case: Case
    row: FeatureRow
    value: float


def evaluate(house: House, release: Release, cohort: Cohort, *, by: str, events: int, comparator: Release | None = None) -> list[Evidence]:
    """Evidence about one release at this site. `events` is the fewest events, and non-events, that may be judged."""
    scored = scores(house, release, cohort)
    outcomes = [one.case.outcome for one in scored]
    found = auroc([one.value for one in scored], outcomes)
    blank = _blank(house, release, cohort, by)
    made = [_item(blank, "local-validity", "auroc", found, events, lambda low, _: low > FLOOR, str(FLOOR))]
    if release.output == "probability":
        ratio = observed_expected([one.value for one in scored], outcomes)
        made.append(
            _item(blank, "calibration", "observed-expected", ratio, events, lambda low, high: low <= 1.25 and high >= 0.8, "0.8 to 1.25")
        )
    made += _subgroups(blank, scored, events)
    if comparator is not None:
        made.append(_compared(house, blank, comparator, cohort, scored, events))
    made.append(_leakage(blank, scored))
    return made


def scores(house: House, release: Release, cohort: Cohort) -> list[Scored]:
    """The cases that the model could score, one at a time as in service."""
    runtime = house.registry.runtime(release.ref)
    said = [(case, row, runtime.predict(row)) for case, row in zip(cohort.cases, cohort.rows, strict=True)]
    return [Scored(case, row, answer.value) for case, row, answer in said if isinstance(answer, Prediction)]


def _blank(house: House, release: Release, cohort: Cohort, by: str) -> Evidence:
    now = house.clock.now()
    told = [[case.instant, case.as_of, case.outcome] for case in cohort.cases]  # no person: a digest of names could be guessed
    return Evidence(
        requirement="",
        kind="M",
        model=release.model,
        version=release.version,
        digest=release.digest,
        site=house.settings["site"]["id"],
        population="",
        metric="",
        value="",
        low="",
        high="",
        n=max(len(cohort.cases), 1),
        events=0,
        result="error",
        dataset=digest(told),
        query=cohort.query,
        code=house.role("release")["code"],
        threshold="",
        threshold_at="",
        window_until="",
        produced_by=by,
        produced_at=now,
        expires_at="",
    )


def _item(
    blank: Evidence, requirement: str, metric: str, found: Estimate, events: int, good: Callable[[float, float], bool], needed: str
) -> Evidence:
    """One item: the estimate as text, and what it means against what is needed."""
    enough = found.events >= events and found.n - found.events >= events
    if found.value is None or found.low is None or found.high is None or not enough:
        result = "insufficient_n"
    else:
        result = "pass" if good(found.low, found.high) else "fail"
    rows = {"needed": needed, "fewest_events": str(events)}
    made = replace(blank, requirement=requirement, metric=metric, n=max(found.n, 1), events=found.events, result=result, rows=rows)
    return replace(made, value=_text(found.value), low=_text(found.low), high=_text(found.high))


def _subgroups(blank: Evidence, scored: Sequence[Scored], events: int) -> list[Evidence]:
    """The weakest group by sex and age that can be judged stands for all; groups too small to judge are named."""
    groups = {"female": 1.0, "male": 0.0}
    made: list[Evidence] = []
    small: list[Evidence] = []
    for name, wanted in groups.items():
        part = [one for one in scored if _value(one.row, "female") == wanted]
        found = auroc([one.value for one in part], [one.case.outcome for one in part])
        few = max(events // 2, 1)
        item = _item(blank, "subgroup-validity", f"auroc of {name}", found, few, lambda low, _: low >= 0.5, "0.5")
        (made if item.result in ("pass", "fail") else small).append(item)
    if not made:
        return small[:1]
    worst = min(made, key=lambda item: float(item.low or "0"))
    return [replace(worst, rows={**worst.rows, "cannot_be_judged": ", ".join(item.metric for item in small) or "none"})]


def _compared(house: House, blank: Evidence, other: Release, cohort: Cohort, scored: Sequence[Scored], events: int) -> Evidence:
    """The model against the score it would replace, on the cases that both could score: not worse."""
    theirs = {(one.case.person, one.case.instant): one.value for one in scores(house, other, cohort)}
    both = [(one, theirs[one.case.person, one.case.instant]) for one in scored if (one.case.person, one.case.instant) in theirs]
    outcomes = [one.case.outcome for one, _ in both]
    found = paired_difference([one.value for one, _ in both], [value for _, value in both], outcomes)
    item = _item(blank, "comparator", f"auroc above {other.model}", found, events, lambda _, high: high > 0, "not worse")
    return replace(item, rows={**item.rows, "comparator": f"{other.model} {other.version}"})


def _leakage(blank: Evidence, scored: Sequence[Scored]) -> Evidence:
    """No value rests on an event after the instant."""
    late = sum(value.newest_at > one.case.instant for one in scored for value in one.row.values if value.newest_at)
    result = "pass" if scored and not late else "fail" if late else "insufficient_n"
    return replace(
        blank, requirement="leakage", metric="values later than their instant", value=str(late), n=max(len(scored), 1), result=result
    )


def _value(row: FeatureRow, name: str) -> float | None:
    return next((value.value for value in row.values if value.name == name), None)


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
