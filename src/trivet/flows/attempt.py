"""One model, tried for one question: loaded, asked for at the gate, and called only with a permit.

In: a question with its feature row. Out: how each model of the route fared, as a decision record without its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trivet.contracts.decision import Attempt, DecisionRecord
from trivet.contracts.feature import FeatureRow
from trivet.contracts.governance import CONDITIONS, Route
from trivet.contracts.house import House
from trivet.contracts.ports import Runtime
from trivet.contracts.prediction import ModelRef, Prediction, Withheld
from trivet.contracts.verdict import GateRequest, Permit, Refusal
from trivet.kernel.errors import Problem, Refused, Rejected

__all__ = ["CONSENT", "Asked", "Question", "answered", "shadowed"]

CONSENT = "consent"  # the person refuses this purpose


@dataclass(frozen=True, slots=True)
class Question:
    """Who is asked about, for which use, at which instant, where, by whom, what for. `facts` add to the features for population."""

    use: str
    person: str
    instant: str
    site: str
    role: str
    purpose: str
    facts: dict[str, Any] = field(default_factory=dict)
    caused_by: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what was known: its feature row, or the code of what stood in the way of one."""

    question: Question
    as_of: int
    row: FeatureRow | str


@dataclass(frozen=True, slots=True)
class Tried:
    """How one model fared, its answer when it has one, and what it ran on."""

    attempt: Attempt
    prediction: Prediction | None = None
    facts: dict[str, str] = field(default_factory=dict)


def answered(house: House, asked: Asked, seen: int, writable: bool) -> DecisionRecord:
    """Walk the route until a model answers. `seen` is the governance position the gate knew, `writable` whether this can be recorded."""
    route = house.office.route(asked.question.use, asked.question.site, seen)
    blank = _blank(house, asked, route)
    instead = route.instead if route is not None else house.office.policy.uses[asked.question.use].instead
    if not isinstance(asked.row, FeatureRow):
        return replace(blank, withheld=Withheld(unread(asked.row), (asked.row,), instead))
    tried: list[Tried] = []
    for mode, ref in _places(route):
        tried.append(_try(house, asked, asked.row, ref, mode, blank.decided_at, writable))
        if tried[-1].prediction is not None:
            return _scored(replace(blank, mode=mode), tried)
    return _nobody(blank, tried, instead)


def shadowed(house: House, asked: Asked, ref: ModelRef, seen: int) -> DecisionRecord:
    """What a shadow model would have said, on the same row. It never leaves the house."""
    route = house.office.route(asked.question.use, asked.question.site, seen)
    blank = replace(_blank(house, asked, route), mode="shadow")
    if not isinstance(asked.row, FeatureRow):
        return replace(blank, withheld=Withheld(unread(asked.row), (asked.row,), ""))
    tried = _try(house, asked, asked.row, ref, "shadow", blank.decided_at, True)
    return _scored(blank, [tried]) if tried.prediction is not None else _nobody(blank, [tried], "")


def unread(why: str) -> str:
    """The reason of an answer without a feature row."""
    return why if why == CONSENT else "features-failed"


def _places(route: Route | None) -> list[tuple[str, ModelRef]]:
    if route is None:
        return []
    return [*(("active", ref) for ref in (route.active,) if ref is not None), *(("fallback", ref) for ref in route.fallbacks)]


def _try(house: House, asked: Asked, row: FeatureRow, ref: ModelRef, mode: str, now: str, writable: bool) -> Tried:
    """Load, ask the gate, and only then call."""
    try:
        runtime: Runtime = house.registry.runtime(ref)
    except Refused as refused:  # the bytes that would be loaded are not those that were released
        held = dict.fromkeys(refused.failed, "failed")
        return Tried(Attempt(ref, "", mode, "refused", refused.code, None, Refusal(refused.failed or (refused.code,), refused.help), held))
    except Problem as problem:
        return Tried(Attempt(ref, "", mode, "failed", problem.code))
    digest, question = runtime.artefact_digest, asked.question
    facts = {**{value.name: value.value for value in row.values}, **question.facts}
    request = GateRequest(question.use, ref, digest, question.site, question.role, question.purpose, now, facts, writable, mode)
    said: Permit | Refusal = house.gate.ask(request)
    if isinstance(said, Refusal):
        held = {code: "failed" if code in said.failed else "held" for code in CONDITIONS}
        return Tried(Attempt(ref, digest, mode, "refused", said.failed[0], None, said, held))
    held = dict.fromkeys(CONDITIONS, "held")
    try:
        output = runtime.predict(row)
    except Exception as error:  # a model's code may raise anything; its crash is a recorded Withheld, never an empty card
        return Tried(Attempt(ref, digest, mode, "failed", type(error).__name__, said, None, held))
    if isinstance(output, Rejected):
        which = f"{output.code}:{output.locator}" if output.locator else output.code
        return Tried(Attempt(ref, digest, mode, "rejected", which, said, None, held))
    return Tried(Attempt(ref, digest, mode, "scored", "", said, None, held), output, dict(getattr(runtime, "facts", {})))


def _blank(house: House, asked: Asked, route: Route | None) -> DecisionRecord:
    question = asked.question
    return DecisionRecord(
        decision_id="",
        use=question.use,
        person=question.person,
        instant=question.instant,
        decided_at=house.clock.now(),
        as_of=asked.as_of,
        site=question.site,
        role=question.role,
        purpose=question.purpose,
        outcome="withheld",
        mode="active",
        features=asked.row if isinstance(asked.row, FeatureRow) else None,
        attempts=(),
        policy=house.office.in_force(route),
        caused_by=question.caused_by,
    )


def _scored(blank: DecisionRecord, tried: Sequence[Tried]) -> DecisionRecord:
    last = tried[-1]
    return replace(
        blank,
        outcome="fallback" if blank.mode == "fallback" else "scored",
        attempts=tuple(one.attempt for one in tried),
        model=last.attempt.model,
        artefact_digest=last.attempt.artefact_digest,
        runtime=last.facts,
        prediction=last.prediction,
    )


def _nobody(blank: DecisionRecord, tried: Sequence[Tried], instead: str) -> DecisionRecord:
    """Nobody answers. `suspended`: the first model stands still; `abstained`: it could not score this row; else `withheld`."""
    attempts = tuple(one.attempt for one in tried)
    if not attempts:
        return replace(blank, withheld=Withheld("no-route", ("no-route",), instead))
    first = attempts[0]
    suspended = first.refusal is not None and "suspended" in first.refusal.failed
    outcome = "suspended" if suspended else "abstained" if first.came_of == "rejected" else "withheld"
    failed = tuple(dict.fromkeys(code for one in attempts for code in (one.refusal.failed if one.refusal else (one.reason,))))
    return replace(blank, outcome=outcome, attempts=attempts, withheld=Withheld(first.reason or first.came_of, failed, instead))
