"""What a use returns: a hypothesis locked before it went live, its costs metered, its effect with an interval, an honest verdict.

In: a meter, the locked hypotheses, cost entries, tables of measures and rates. Out: one result for each use that answers or was
promised something. Refused: any number without a baseline that was locked before go-live (INV-13): then the verdict is
`unproven` and there is none. Before-and-after alone never proves a use that drives clinical action (tiers T1 and T2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from trivet.contracts.figure import ValueResult
from trivet.governance.interval import difference
from trivet.governance.measured import Meter, Unmeasured
from trivet.governance.policy import read_table
from trivet.kernel.digest import digest
from trivet.kernel.errors import Usage

__all__ = ["DESIGNS", "hypothesis_words", "value"]

DESIGNS = {"randomised": 5, "stepped-wedge": 4, "interrupted-series": 3, "matched": 2, "before-after": 1}
NEEDED = (
    "use",
    "metric",
    "design",
    "baseline_from",
    "baseline_until",
    "minimum_effect",
    "unit_value",
    "currency",
    "clinician_minutes",
    "payer",
)
CENT, POINT = Decimal("0.01"), Decimal("0.0001")
HOW = (
    "Share of cases with the outcome in the locked baseline window against the share since the first answer; interval by Newcombe's "
    "method 10. Gross value is the effect times the cases since then times the unit value of the hypothesis; cost is answers times "
    "clinician minutes times rate, plus entered costs."
)


def hypothesis_words(given: Mapping[str, str]) -> dict[str, Any]:
    """The words of a `hypothesis` event, with the digest that locks it. Usage E750 when something is missing."""
    missing = [name for name in NEEDED if not given.get(name)]
    if missing or given["design"] not in DESIGNS:
        raise Usage("E750", "not a value hypothesis", why="it lacks " + (", ".join(missing) or "a design of " + ", ".join(DESIGNS)))
    words = {name: str(value) for name, value in given.items()}
    return {**words, "digest": digest(words)}


def value(
    meter: Meter,
    hypotheses: Sequence[Mapping[str, Any]],
    costs: Iterable[Mapping[str, Any]],
    tiers: Mapping[str, str],
    overlay: Mapping[str, str] | None = None,
) -> list[ValueResult]:
    """One result for each use. `tiers`: use -> strictest tier of the models that answer for it."""
    metered = meter.rows("meters", "decisions")
    rates = {row["role"]: row for row in read_table("value", "rates.csv", overlay)}
    entered = list(costs)
    promised: dict[str, Mapping[str, Any]] = {}
    for one in hypotheses:
        promised.setdefault(one["use"], one)
    uses = dict.fromkeys([*(row["use"] for row in metered), *promised])
    return [
        _result(
            meter,
            use,
            promised.get(use),
            [row for row in metered if row["use"] == use],
            [one for one in entered if one["use"] in ("", use)],
            rates["clinician"],
            tiers.get(use, "T1"),
        )
        for use in uses
    ]


def _result(
    meter: Meter,
    use: str,
    hypothesis: Mapping[str, Any] | None,
    metered: Sequence[Mapping[str, Any]],
    entered: Sequence[Mapping[str, Any]],
    rate: Mapping[str, str],
    tier: str,
) -> ValueResult:
    live_at = min((row["first_at"] for row in metered if row["first_at"]), default="")
    minutes = Decimal(str(hypothesis["clinician_minutes"])) if hypothesis else None
    costs = _costs(metered, entered, minutes, rate)
    total = sum((Decimal(row["amount"]) for row in costs), Decimal(0))
    blank = ValueResult(
        use=use,
        metric=hypothesis["metric"] if hypothesis else "",
        verdict="unproven",
        reason="",
        baseline="",
        observed="",
        effect="",
        low="",
        high="",
        n_baseline=0,
        n_observed=0,
        design=hypothesis["design"] if hypothesis else "",
        strength=DESIGNS[hypothesis["design"]] if hypothesis else 0,
        gross="",
        gross_low="",
        gross_high="",
        cost=str(total.quantize(CENT)),
        net="",
        currency=hypothesis["currency"] if hypothesis else rate["currency"],
        hypothesis=hypothesis["digest"] if hypothesis else "",
        locked_at=hypothesis["locked_at"] if hypothesis else "",
        went_live_at=live_at,
        costs=tuple(costs),
        how=HOW,
    )
    if hypothesis is None:
        return replace(blank, reason="no hypothesis was locked: without a baseline there is no number")
    if live_at and hypothesis["locked_at"] > live_at:
        return replace(blank, reason="the hypothesis was locked after the first answer: it cannot be a baseline (INV-13)")
    if hypothesis["baseline_until"] > (live_at or hypothesis["locked_at"]):
        return replace(blank, reason="the baseline window reaches past the first answer")
    if not live_at:
        return replace(blank, reason="it has not answered yet")
    try:
        cases = meter.rows("measures", hypothesis["metric"])
    except Unmeasured as why:
        return replace(blank, reason=str(why))
    return _effect(blank, hypothesis, cases, live_at, total, tier)


def _effect(
    blank: ValueResult, hypothesis: Mapping[str, Any], cases: Sequence[Mapping[str, Any]], live_at: str, cost: Decimal, tier: str
) -> ValueResult:
    """Effect, money and verdict out of the cases before and after."""
    before = [row for row in cases if hypothesis["baseline_from"] <= row["happened_at"] < hypothesis["baseline_until"]]
    after = [row for row in cases if row["happened_at"] >= live_at]
    counted = replace(blank, n_baseline=len(before), n_observed=len(after), rows=tuple(map(dict, after[:200])))
    if not before or not after:
        return replace(counted, reason="no case " + ("in the baseline window" if not before else "since the first answer is old enough"))
    hits = sum(row["outcome"] for row in before), sum(row["outcome"] for row in after)
    gap, low, high = difference((hits[0], len(before)), (hits[1], len(after)))
    gain, worst, best = -gap, -high, -low  # every shipped measure counts harm: fewer is better
    unit = Decimal(str(hypothesis["unit_value"])) * len(after)
    gross, gross_low, gross_high = (unit * Decimal(repr(part)) for part in (gain, worst, best))
    verdict, reason = _verdict(gain, worst, best, float(hypothesis["minimum_effect"]), counted.strength, tier)
    return replace(
        counted,
        verdict=verdict,
        reason=reason,
        baseline=_text(hits[0] / len(before)),
        observed=_text(hits[1] / len(after)),
        effect=_text(gain),
        low=_text(worst),
        high=_text(best),
        gross=str(gross.quantize(CENT)),
        gross_low=str(gross_low.quantize(CENT)),
        gross_high=str(gross_high.quantize(CENT)),
        net=str((gross - cost).quantize(CENT)),
    )


def _verdict(gain: float, worst: float, best: float, least: float, strength: int, tier: str) -> tuple[str, str]:
    if best < 0:
        return "harmful", "the whole interval lies on the wrong side of zero"
    if worst <= 0:
        return "unproven", "the interval crosses zero"
    if strength == 1 and tier in ("T1", "T2"):
        return "unproven", "before and after alone proves nothing for a use that drives clinical action"
    if gain < least:
        return "below_minimum", "the effect is smaller than what was agreed to be worth it"
    return "realised", "the whole interval lies above zero and the effect reaches what was agreed"


def _costs(
    metered: Sequence[Mapping[str, Any]], entered: Sequence[Mapping[str, Any]], minutes: Decimal | None, rate: Mapping[str, str]
) -> list[dict[str, str]]:
    """Metered clinician time by month, and what was entered as invoice or estimate."""
    per_hour = Decimal(rate["rate_per_hour"])
    rows = [
        {
            "kind": "clinician minutes",
            "source": "meter x estimate",
            "amount": str((Decimal(int(row["scored"])) * minutes / 60 * per_hour).quantize(CENT)),
            "currency": rate["currency"],
            "detail": f"{row['scored']} answers x {minutes} min x {per_hour} an hour",
            "month": str(row["month"]),
        }
        for row in metered
        if minutes is not None and row["scored"]
    ]
    rows += [
        {
            "kind": str(one["kind"]),
            "source": str(one["source"]),
            "amount": str(one["amount"]),
            "currency": str(one["currency"]),
            "detail": str(one["note"]),
            "month": str(one["since"])[:7],
        }
        for one in entered
    ]
    return rows


def _text(number: float) -> str:
    return str(Decimal(repr(number)).quantize(POINT))
