"""The tables that people approve, read once: seats, separation of duties, requirements, uses, gates, transitions.

In: `maps/governance/*.csv` and `maps/lifecycle/*.csv`, with a site's overlay of whole tables. Out: one frozen `Policy` with
its digest, which every gate run records. Refused: a table that names something no other table knows.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from trivet.kernel.digest import digest
from trivet.kernel.errors import Fault
from trivet.kernel.resources import text

__all__ = ["Policy", "Requirement", "Rule", "Seat", "Transition", "Use", "read_policy", "read_table"]

TIERS = ("T1", "T2", "T3", "T4")
TABLES = {
    "seats": ("governance", "seats.csv"),
    "separation": ("governance", "separation.csv"),
    "requirements": ("governance", "requirements.csv"),
    "uses": ("governance", "uses.csv"),
    "gates": ("lifecycle", "gates.csv"),
    "transitions": ("lifecycle", "transitions.csv"),
}


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat: `kind` is `duty`, `owner` or `oversight`; a vacant one that `blocks` stops serving."""

    name: str
    title: str
    kind: str
    question: str
    blocks: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the separation of duties. Rows that are not `enforced` say why in `text`."""

    id: str
    kind: str
    left: str
    right: tuple[str, ...]
    enforced: bool
    text: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """What must be proven: the weakest kind accepted, the greatest age in days and fewest events by tier, whether per site."""

    id: str
    title: str
    min_kind: str
    per_site: bool
    applies_to: str
    max_age: dict[str, int]
    min_events: dict[str, int]
    text: str

    def applies(self, kind: str, output: str) -> bool:
        """Does it speak of a model of this kind (`trained`, `score`, `rules`) and output (`probability`, `score`)?"""
        return self.applies_to in ("any", kind, output)


@dataclass(frozen=True, slots=True)
class Use:
    """One intended use: the feature view it asks with, who may ask and what for, what to do instead of an answer."""

    name: str
    question: str
    view: str
    moment: str
    category: str
    roles: tuple[str, ...]
    purposes: tuple[str, ...]
    fallbacks: tuple[str, ...]
    instead: str


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of a model's life: who must sign, what must be proven, what follows."""

    start: str
    end: str
    gate: str
    votes: tuple[str, ...]
    evidence: tuple[str, ...]
    effect: str


@dataclass(frozen=True, slots=True)
class Policy:
    """All of it, with the digest of the tables it was read from."""

    seats: dict[str, Seat]
    rules: tuple[Rule, ...]
    requirements: dict[str, Requirement]
    uses: dict[str, Use]
    gates: dict[str, str]
    review: dict[tuple[str, str], int]
    transitions: tuple[Transition, ...]
    digest: str

    @property
    def duties(self) -> tuple[str, ...]:
        """Seats whose vacancy stops serving."""
        return tuple(seat.name for seat in self.seats.values() if seat.blocks)

    def step(self, start: str, end: str) -> Transition | None:
        """The transition between two stages, if the table has one."""
        return next((step for step in self.transitions if (step.start, step.end) == (start, end)), None)

    def onward(self, start: str) -> Transition | None:
        """The next step of a life that goes well: the first row from this stage."""
        return next((step for step in self.transitions if step.start == start), None)


def read_table(folder: str, name: str, overlay: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """Rows of one shipped table, or of the site's table of the same name (`governance/uses.csv`) that takes its place."""
    source = (overlay or {}).get(f"{folder}/{name}") or text("trivet.maps", folder, name)
    return [dict(row) for row in csv.DictReader(io.StringIO(source))]


def read_policy(overlay: Mapping[str, str] | None = None) -> Policy:
    """The policy in force. Raises Fault E720 when the tables contradict each other."""
    rows = {name: read_table(*place, overlay) for name, place in TABLES.items()}
    policy = Policy(
        seats={
            row["seat"]: Seat(row["seat"], row["title"], row["kind"], row["question"], row["blocks_serving"] == "yes")
            for row in rows["seats"]
        },
        rules=tuple(
            Rule(row["rule"], row["kind"], row["left"], _words(row["right"]), row["enforced"] == "yes", row["text"])
            for row in rows["separation"]
        ),
        requirements={row["id"]: _requirement(row) for row in rows["requirements"]},
        uses={row["use"]: _use(row) for row in rows["uses"]},
        gates={row["gate"]: row["question"] for row in rows["gates"]},
        review={(row["gate"], tier): int(row[f"review_{tier.lower()}"]) for row in rows["gates"] for tier in TIERS},
        transitions=tuple(
            Transition(row["from"], row["to"], row["gate"], _words(row["votes"]), _words(row["evidence"]), row["effect"])
            for row in rows["transitions"]
        ),
        digest=digest(rows),
    )
    _agree(policy)
    return policy


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(";") if word.strip())


def _requirement(row: dict[str, str]) -> Requirement:
    return Requirement(
        row["id"],
        row["title"],
        row["min_kind"],
        row["per_site"] == "yes",
        row["applies_to"],
        {tier: int(row[f"max_age_{tier.lower()}"]) for tier in TIERS},
        {tier: int(row[f"min_events_{tier.lower()}"] or 0) for tier in TIERS},
        row["text"],
    )


def _use(row: dict[str, str]) -> Use:
    lists = (_words(row["roles"]), _words(row["purposes"]), _words(row["fallbacks"]))
    return Use(row["use"], row["question"], row["view"], row["moment"], row["category"], *lists, row["instead"])


def _agree(policy: Policy) -> None:
    """Every name one table uses must be a name another one defines."""
    for step in policy.transitions:
        strange = [name for name in step.votes if name not in policy.seats]
        strange += [name for name in step.evidence if name not in policy.requirements]
        strange += [] if step.gate in policy.gates else [step.gate]
        if strange:
            raise Fault("E720", f"transitions.csv names what no table defines: {', '.join(strange)}", where=f"{step.start} -> {step.end}")
