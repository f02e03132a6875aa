"""One governed answer about one person: facts, route, gate, model, record, and only then the answer.

In: a question. Out: an `Answer` whose decision is durable in the ledger. A model that may not run is not called: the next one
of the route answers, or nobody (`Withheld`). A crash is `Withheld`. When nothing can be recorded, nothing but `Withheld` leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from trivet.contracts.decision import DecisionRecord
from trivet.contracts.house import House
from trivet.contracts.prediction import Answer, ModelRef, Withheld
from trivet.flows.attempt import CONSENT, Asked, Question, answered, shadowed
from trivet.kernel.errors import Locked, NotFound, Problem, Usage

__all__ = ["Later", "Question", "decide", "decide_many"]

MOVED = "E740"  # governance changed while this was decided: ask again
TRIES = 20
UNWRITABLE = "ledger-unwritable"
Sent = Future[tuple[DecisionRecord, int]] | None
Later = Callable[[Callable[[], None]], Any]


def decide(house: House, question: Question, later: Later | None = None) -> Answer:
    """One answer. Shadow models are handed to `later` once it is recorded; without `later` they run before the return."""
    return decide_many(house, [question], later)[0]


def decide_many(house: House, questions: Sequence[Question], later: Later | None = None) -> list[Answer]:
    """One answer for each question, in order; records share commits. NotFound for a use or a person that nobody knows."""
    asked = _facts(house, questions)
    house.gate.refresh()  # facts may have taken their time; what is asked now is asked of governance as it is now
    writable = _writable(house)
    sent = [_send(house, one, writable) for one in asked]
    answers = [_settle(house, one, future) for one, future in zip(asked, sent, strict=True)]
    (later or _now)(lambda: _shadows(house, asked))
    return answers


def _now(work: Callable[[], None]) -> None:
    work()


def _writable(house: House) -> bool:
    """Can anything be recorded? A ledger that cannot even say is one that cannot be written."""
    try:
        return house.ledger.writable()
    except Exception:
        return False


def _facts(house: House, questions: Sequence[Question]) -> list[Asked]:
    """Every question with its feature row as known now: one query for each view."""
    as_of, seen = house.landing.horizon(), house.gate.seen()
    views: dict[str, list[int]] = {}
    rows: dict[int, Any] = {}
    for number, question in enumerate(questions):
        if house.role("access").refuses(question.person, question.purpose):
            rows[number] = CONSENT  # nothing of the person is read for what they refuse
            continue
        route = house.office.route(question.use, question.site, seen)
        views.setdefault(route.view if route is not None else house.office.policy.uses[question.use].view, []).append(number)
    for view, numbers in views.items():
        cohort = [(questions[number].person, questions[number].instant, as_of) for number in numbers]
        try:
            found: list[Any] = list(house.features.many(view, cohort)) if len(cohort) > 1 else [house.features.one(view, *cohort[0])]
        except (NotFound, Usage):
            raise
        except Exception as error:  # whatever breaks here, the caller gets Withheld with the code of it, never an empty card
            found = [error.code if isinstance(error, Problem) else type(error).__name__] * len(cohort)
        rows.update(zip(numbers, found, strict=True))
    return [Asked(question, as_of, rows[number]) for number, question in enumerate(questions)]


def _send(house: House, asked: Asked, writable: bool) -> Sent:
    """Ask gate and models, hand the record to the store; None when nothing can be recorded. Only the commit proves that it could."""
    seen = house.gate.seen()
    record = answered(house, asked, seen, writable)
    return house.store.submit(lambda tx: house.office.decided(tx, record, seen)) if writable else None


def _settle(house: House, asked: Asked, sent: Sent) -> Answer:
    """Wait until the record is durable. When governance moved meanwhile, ask again; when nothing can be kept, withhold."""
    question, reason = asked.question, UNWRITABLE
    for _ in range(TRIES):
        if sent is None:
            break
        try:
            record, seq = sent.result()
        except Locked as locked:
            if locked.code != MOVED:
                break
            house.gate.refresh()
            sent = _send(house, asked, _writable(house))
            continue
        except Exception as error:  # not recorded, for whatever reason: then it is not released either
            reason = error.code if isinstance(error, Problem) else type(error).__name__
            break
        return Answer(
            record.decision_id, question.use, question.person, record.outcome, record.mode, record.prediction, record.withheld, seq
        )
    instead = f"This could not be recorded, so nothing is released. {house.office.policy.uses[question.use].instead}"
    withheld = Withheld(reason, tuple(dict.fromkeys((UNWRITABLE, reason))), instead)
    return Answer("", question.use, question.person, "withheld", "active", None, withheld, -1)


def _shadows(house: House, asked: Sequence[Asked]) -> None:
    """Shadow models, on the same rows, after the answers. What cannot be recorded is dropped: it never left the house."""
    for one in asked:
        route = house.office.route(one.question.use, one.question.site, house.gate.seen())
        for ref in route.shadows if route is not None else ():
            _shadow(house, one, ref)


def _shadow(house: House, asked: Asked, ref: ModelRef) -> None:
    for _ in range(TRIES):
        seen = house.gate.seen()
        record = shadowed(house, asked, ref, seen)
        try:
            house.store.write(lambda tx, record=record, seen=seen: house.office.decided(tx, record, seen))  # type: ignore[misc]
            return
        except Locked as locked:
            if locked.code != MOVED:
                return
            house.gate.refresh()
