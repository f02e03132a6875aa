"""The whole story on a synthetic hospital: two years of messages in, governed and traceable decisions out, and what was planted found.

In: an empty folder, a number of patients, a seed, how many days the history is long. Out: a home to look at and a summary in which
every figure was measured in this run. History is loaded in bulk; the last days are lived day by day, so that each decision is made with
what was known then.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pyarrow

from trivet.contracts.house import House
from trivet.contracts.prediction import Answer
from trivet.flows.decide import Question, decide_many
from trivet.flows.load import Arrival, load
from trivet.flows.receive import Delivery, Tally
from trivet.kernel.clock import FrozenClock, instant, parse_instant
from trivet.kernel.resources import text
from trivet.kernel.without import without
from trivet.testing.hospital import Delivery as Sent
from trivet.testing.hospital import generate
from trivet.wiring import scorecard
from trivet.wiring.build import init_home, open_home
from trivet.wiring.governing import govern
from trivet.wiring.heard import CHECKS
from trivet.wiring.unanswered import unanswered

__all__ = ["Story", "run"]

TODAY = "2026-06-30T12:00:00.000000Z"
DAYS = 3  # lived day by day before today
SOCKETS = {"adt", "lab", "lab_b", "vitals"}  # feeds that come message by message
Report = Callable[[str, str, float], None]


@dataclass(slots=True)
class Story:
    """What happened: one line a step (what, how much, seconds), the decisions, the measured truth, what governance said."""

    home: str
    patients: int
    steps: list[tuple[str, str, float]] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    answers: list[Answer] = field(default_factory=list)
    truth: dict[str, Any] = field(default_factory=dict)
    acts: list[str] = field(default_factory=list)
    withheld: list[dict[str, Any]] = field(default_factory=list)

    def first(self) -> str:
        """The decision to look at first: one that the live model answered, else a fallback's, else any."""
        ranked = sorted(self.answers, key=lambda answer: ("scored", "fallback").index(answer.outcome) if answer.prediction else 2)
        return ranked[0].decision_id if ranked else ""

    def as_dict(self) -> dict[str, Any]:
        """The documented JSON form."""
        outcomes: dict[str, int] = {}
        for answer in self.answers:
            outcomes[f"{answer.use}: {answer.outcome}"] = outcomes.get(f"{answer.use}: {answer.outcome}", 0) + 1
        return {
            "home": self.home,
            "patients": self.patients,
            "steps": [{"step": name, "what": what, "seconds": round(seconds, 2)} for name, what, seconds in self.steps],
            "received": {"landed": self.tally.landed, "repeated": self.tally.repeated, **self.tally.states},
            "decisions": outcomes,
            "withheld": self.withheld,
            "first_decision": self.first(),
            "truth": self.truth,
            "governance": self.acts,
        }


class Steps:
    """Keeps the time of each step and reports it."""

    def __init__(self, story: Story, report: Report) -> None:
        self.story, self.report, self.since = story, report, time.perf_counter()

    def done(self, name: str, what: str) -> None:
        """A step ended; the next one begins."""
        now = time.perf_counter()
        self.story.steps.append((name, what, now - self.since))
        self.report(*self.story.steps[-1])
        self.since = now


def run(home: Path, patients: int, seed: int, days: int, report: Report) -> Story:
    """Make the home and live through it. Refused (exit 3) when the folder holds anything."""
    story = Story(str(home), patients)
    steps = Steps(story, report)
    with without("pandas"):
        pyarrow.array([])  # asks for pandas once, which would take a second; nothing here makes a frame
    house = make_home(home)
    clock: Any = house.clock
    truth = home / "truth"
    truth.mkdir()
    try:
        house.role("workshop").warm()  # the lives are written before the first of their messages is there
        stream = Stream(generate(patients, seed=seed, today=TODAY, out=truth, start=ago(days)))
        first = ago(DAYS)
        story.tally = load(house, arrivals(stream.until(first)))
        steps.done("received", received(story.tally))
        clock.at = first
        story.acts = govern(house)
        steps.done("governed", f"{len(story.acts)} acts of seats, evidence, votes and grants")
        for back in range(DAYS - 1, -1, -1):
            clock.at = ago(back)
            add(story.tally, load(house, arrivals(stream.until(clock.at))))
            story.answers += decide_day(house, ago(back + 1), clock.at)
        steps.done("decided", f"{len(story.answers):,} decisions in {DAYS} days, each with what was known then")
        story.withheld = unanswered(house, story.answers)
        checks: Any = house.checks
        verdicts, opened = checks.run_and_open(CHECKS)
        steps.done("checked", f"{len(verdicts)} checks, {sum(one.verdict != 'pass' for one in verdicts)} do not hold")
        story.truth = scorecard.measure(house, truth, opened)
        steps.done("measured", "what was planted against what was found")
        house.role("checkpoints").sign()
        steps.done("signed", f"a ledger of {house.ledger.size():,} entries")
    finally:
        house.close()
    return story


def ago(days: int) -> str:
    """The instant so many days before today."""
    return instant(parse_instant(TODAY) - timedelta(days=days))


def received(tally: Tally) -> str:
    """What came of the messages, in words."""
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(tally.states.items()))
    return f"{tally.landed:,} units ({states}; {tally.repeated:,} came again)"


def add(whole: Tally, more: Tally) -> None:
    """Sum two tallies."""
    whole.files, whole.bytes, whole.partial = whole.files + more.files, whole.bytes + more.bytes, whole.partial + more.partial
    whole.landed, whole.repeated, whole.versions = (
        whole.landed + more.landed,
        whole.repeated + more.repeated,
        whole.versions + more.versions,
    )
    whole.states.update(more.states)
    whole.reasons.update(more.reasons)


class Stream:
    """Deliveries in order of arrival, taken up to one instant after the other, never more than one held."""

    def __init__(self, sent: Iterator[Sent]) -> None:
        self.sent, self.next = sent, next(sent, None)

    def until(self, at: str) -> Iterator[Sent]:
        """Everything that arrives before an instant."""
        while self.next is not None and self.next.at < at:
            yield self.next
            self.next = next(self.sent, None)


def arrivals(sent: Iterator[Sent]) -> Iterator[Arrival]:
    """The hospital's deliveries as the house takes them."""
    for one in sent:
        yield Arrival(Delivery(one.payload, one.source, one.format, one.filename), one.at, one.source in SOCKETS)


def make_home(home: Path) -> House:
    """A synthetic home with the hospital's own overlay: sources, code maps, units, table maps, staff, costs."""
    clock = FrozenClock(TODAY)
    made = init_home(home, site="SMH", name="Southmere Hospital", zone="America/Chicago", synthetic=True, today=TODAY, clock=clock)
    made.close()
    with as_file(files("trivet.testing.hospital").joinpath("site")) as overlay:
        shutil.copytree(overlay, home / "site", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    staff = home / "site" / "staff.toml"
    if not staff.exists():
        staff.write_text(text("trivet.maps", "governance", "staff-sample.toml"), encoding="utf-8")
    toml = home / "trivet.toml"
    toml.write_text(
        toml.read_text(encoding="utf-8") + "\n" + (home / "site" / "sources.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    return open_home(home, clock=clock)


def decide_day(house: House, since: str, until: str) -> list[Answer]:
    """The questions of one day: every discharge, and every patient with vital signs."""
    questions = []
    for use, name, feed in (("readmission", "discharges", "adt"), ("deterioration", "watched", "vitals")):
        policy = house.office.policy.uses[use]
        _, rows = house.shelf.query(text("trivet.wiring", "sql", f"{name}.sql"), parameters=(feed, since[:19], until[:19]))
        site = house.settings["site"]["id"]
        questions += [Question(use, person, at, site, policy.roles[0], policy.purposes[0]) for person, at in rows]
    return decide_many(house, questions) if questions else []
