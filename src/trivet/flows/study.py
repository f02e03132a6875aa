"""Somebody studies persons from a program: all that is known of one, features of some, the story of a decision.

In: who asks and what for, persons, an instant, a ledger position. Out: what role, purpose and consent allow. Refused: what no policy
permits (E292), and a person whose consent refuses the purpose (E132); both are on record. An entry is durable before anything is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from trivet.contracts.access import Caller
from trivet.contracts.feature import FeatureRow
from trivet.contracts.house import House
from trivet.flows.account_for import account_for, note_access, read_decision
from trivet.flows.ask import allowed, record
from trivet.kernel.errors import NotFound, Refused

__all__ = ["THEN", "Rows", "known_of", "rows_of", "story_of"]

WHOLE = ("clinical", "identifying")  # a record's body holds both
THEN = -2  # a position that means: what was known at the case's own instant


class Rows(NamedTuple):
    """Feature rows in the order of their cases; `left_out` counts persons who refuse the purpose, whose rows are not there."""

    rows: list[FeatureRow]
    left_out: int


def known_of(house: House, person: str, caller: Caller, as_of: int | None = None) -> list[dict[str, Any]]:
    """The newest version of each record of a person at a position (None: now), with `resource`. NotFound E133 for nobody."""
    owed = _about(house, person, caller, "person")
    rows = house.shelf.slice(person, house.ledger.size() if as_of is None else as_of)
    if not rows:
        raise NotFound("E133", "nobody is known under that name at that position", help="trivet query 'select person from persons'")
    _record(house, person, caller, "read", {"act": "person", "rows": str(len(rows)), "persons": "1", **owed})
    return rows


def rows_of(house: House, view: str, cases: Sequence[tuple[str, str]], caller: Caller, as_of: int | None = None) -> Rows:
    """Features of (person, instant) cases by what is known now (None), at a position, or at each instant (`THEN`)."""
    act = f"features {view}"
    owed = allowed(house, caller, act, ("clinical",))
    refused = house.role("access").left_out(caller.purpose)
    wanted = [(person, at) for person, at in cases if person not in refused]
    last = house.landing.horizon()
    moments = {at for _, at in wanted}
    then = house.role("query").positions(moments) if as_of == THEN else {}
    known = {at: min(then[at], last) if as_of == THEN else last if as_of is None else as_of for at in moments}
    rows = house.features.many(view, [(person, at, known[at]) for person, at in wanted])
    persons, left = {person for person, _ in wanted}, {person for person, _ in cases} & refused
    marks = sorted(house.role("erasures").mark(f"read {person}") for person in persons)  # who knows a person finds the entry by it
    counts = {"act": "features", "rows": str(len(rows)), "persons": str(len(persons)), "left_out": str(len(left))}
    record(house, " ".join([act, *marks]), caller, "read", {**counts, **owed})
    return Rows(rows, len(left))


def story_of(house: House, decision: str, caller: Caller) -> dict[str, Any]:
    """The story of a decision, down to its bytes. NotFound for one that nobody made, or that was erased."""
    _, said = read_decision(house, decision)
    _about(house, said.person, caller, "explain")
    story = account_for(house, decision)
    note_access(house, story, act="explain", door="sdk", by=caller.by)
    return story


def _about(house: House, person: str, caller: Caller, act: str) -> dict[str, str]:
    """What is owed for reading everything of one person. Refused, on record, by policy or by the person's own consent."""
    owed = allowed(house, caller, f"{act} {person}", WHOLE, f"person:{person}")
    if house.role("access").refuses(person, caller.purpose):
        _record(house, person, caller, "refused", {"act": act, "failed": "consent"})
        raise Refused("E132", f"this person refuses {caller.purpose}", failed=("consent",), why="an active consent says so")
    return owed


def _record(house: House, person: str, caller: Caller, what: str, counts: dict[str, str]) -> None:
    record(house, f"{counts['act']} {person}", caller, what, counts, f"person:{person}")
