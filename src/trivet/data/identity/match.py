"""The search for one record: candidates by key, evidence for each, one verdict for each person. Reads, and decides nothing for good.

In: the register and what is known of a record. Out: a `Finding`: the person to link to (or none), other persons that are certainly
the same, pairs for a human, and the rules whose keys too many records share.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from trivet.data.identity.ceiling import Met, ceiling, worthwhile
from trivet.data.identity.compare import Evidence, compare, numbers_level
from trivet.data.identity.features import Features
from trivet.data.identity.judge import GRADES, OTHER_NUMBER, Verdict, contradictions, judge, settles
from trivet.data.identity.keys import contact_keys, keys
from trivet.data.identity.register import Known, Register, features_of
from trivet.data.identity.weights import Weights

__all__ = ["TOO_LARGE", "Finding", "Match", "find", "opposed", "vetoed"]

LINKED = ("certain", "probable")
NUMBERED = ("identifier", "member")
NAMES = ("family", "given")
FEW = 16  # records that are opened sooner than a glance at their briefs is prepared
Block = Sequence[tuple[int, int]]  # number, brief
TOO_LARGE = "block-too-large"


class Match(NamedTuple):
    """A person that a record matches, through one of its records (`subject`)."""

    person: str
    subject: str
    grade: str
    rule: str
    score: float | None
    evidence: tuple[tuple[str, str, float], ...]


class Finding(NamedTuple):
    """`best` is to be linked; `also` are certain as well, and so are one person with it; `doubts` wait for a human."""

    best: Match | None
    also: tuple[Match, ...]
    doubts: tuple[Match, ...]
    crowded: frozenset[str]


def find(register: Register, known: Features, weights: Weights, self_known: Known | None, few: int = FEW) -> Finding:
    """Search for the person of a record; `self_known` is the record itself when it is stored already.

    Where more than `few` stand under its keys, those who cannot reach the bits are left out before their records are opened.
    """
    rules = keys(known)
    blocks, crowded = _blocks(register, rules, weights.block)
    briefs = {number: brief for block in blocks.values() for number, brief in block}
    if self_known is not None:
        briefs.pop(self_known.id, None)
    if not briefs:
        return Finding(None, (), (), crowded)
    shared = _shared(register, known, blocks, self_known, weights.shared)
    total = register.count()
    prior = weights.prior(total)
    need = weights.possible - prior
    numbers = list(briefs)
    if len(briefs) > few:
        near = {key for value, key in contact_keys(known).items() if value not in shared}
        by = {rule: {number for key, block in blocks.items() if rules[key] == rule for number, _ in block} for rule in NUMBERED}
        by["contact"] = {number for key in near for number, _ in blocks.get(key, ())}
        numbers = worthwhile(known, weights, total, need, Met(briefs, by, crowded))
    rows = [row for row in register.candidates(numbers) if self_known is None or row[2] != self_known.person]

    def terms(field: str, term: str) -> tuple[int, int]:
        return register.terms(field, term), total

    apart = _apart(register, self_known)
    persons: dict[str, list[tuple[Known, Verdict, Evidence]]] = {}
    could = ceiling(known, weights, total, need, shared)
    for number, subject, person, packed in rows:
        held = features_of(packed)
        if not could(held):
            continue  # whatever else agrees, this pair is none
        one = Known(number, subject, person, held)
        evidence = compare(known, one.features, weights, terms, shared)
        persons.setdefault(one.person, []).append((one, judge(known, one.features, evidence, prior, weights), evidence))
    disputed = register.disputed([one.subject for held in persons.values() for one, verdict, _ in held if verdict.grade in LINKED])
    firm = {
        person
        for person, held in persons.items()
        if any(verdict.rule == "same-identifier" and one.subject not in disputed for one, verdict, _ in held)
    }
    persons = {person: [_undisputed(item, disputed) for item in held] for person, held in persons.items()}
    verdicts = [_of_person(register, known, person, held, weights, apart) for person, held in persons.items()]
    matches = sorted(
        (match for match in verdicts if match is not None),
        key=lambda match: (-GRADES.index(match.grade), -(match.score or 0.0), match.subject),
    )
    found = _decide(matches, crowded, firm)
    return _held(found) if crowded else found


def _held(found: Finding) -> Finding:
    """Not everybody who shares a key was looked at: what was found waits for a human, except what one number in one authority says."""
    numbered = "identifier" not in found.crowded
    sure = [match for match in (found.best, *found.also) if match is not None and numbered and match.rule == "same-identifier"]
    rest = [match for match in (found.best, *found.also) if match is not None and match not in sure]
    waits = tuple(match._replace(grade="possible", rule=TOO_LARGE) for match in rest)
    # a doubt may have been sure of a person that lost to another
    doubts = tuple(match._replace(grade="possible") for match in found.doubts)
    return Finding(sure[0] if sure else None, tuple(sure[1:]), waits + doubts, found.crowded)


def _decide(matches: Sequence[Match], crowded: frozenset[str], firm: Collection[str]) -> Finding:
    """Which of the persons found is the one. `firm` are those who bear the number in a record of which it is settled whose it is."""
    agreed = [match for match in matches if match.rule == "same-identifier" and match.grade == "certain"]
    if len(agreed) > 1:  # a number that is disputed stays with who bears it undisputed; where nobody does, only a human can say
        weak = [match for match in agreed if match.person not in firm and not any(field in NAMES for field, _, _ in match.evidence)]
        matches = [match._replace(grade="possible", rule="number-disputed") if match in weak else match for match in matches]
        agreed = [match for match in agreed if match not in weak]
    if agreed:  # number and name agree with somebody: who bears the number under another name is the odd one
        rest = [match for match in matches if match.grade != "none" and match not in agreed]
        sure = [match for match in rest if match.grade in LINKED]  # the same person under another number, whoever came first
        return Finding(agreed[0], (*agreed[1:], *sure), tuple(match for match in rest if match not in sure), crowded)
    if any(match.rule.startswith("same-identifier-but") for match in matches):
        # whose record is it: the one whose number it bears, or the one whose name it bears? Only a human can say
        return Finding(None, (), tuple(match for match in matches if match.grade != "none"), crowded)
    linkable = [match for match in matches if match.grade in LINKED]
    doubts = tuple(match for match in matches if match.grade == "possible")
    if not linkable:
        return Finding(None, (), doubts, crowded)
    best, rest = linkable[0], linkable[1:]
    certain = tuple(match for match in rest if match.grade == "certain")
    return Finding(best, certain, doubts + tuple(match for match in rest if match.grade != "certain"), crowded)


def _undisputed(item: tuple[Known, Verdict, Evidence], disputed: Collection[str]) -> tuple[Known, Verdict, Evidence]:
    """A record of which it is not settled whose it is proves nothing about others, except by its number."""
    one, verdict, evidence = item
    if one.subject in disputed and verdict.grade in LINKED and verdict.rule != "same-identifier":
        return one, verdict._replace(grade="possible", rule="disputed"), evidence
    return item


def _blocks(register: Register, rules: Mapping[int, str], most: int) -> tuple[dict[int, Block], frozenset[str]]:
    blocks, crowded = dict[int, Block](), set[str]()
    for key, rule in rules.items():
        rows = register.block(key, most + 1)
        if len(rows) > most:
            crowded.add(rule)
        if rows:
            blocks[key] = rows[:most]
    return blocks, frozenset(crowded)


def _shared(register: Register, known: Features, blocks: Mapping[int, Block], self_known: Known | None, most: int) -> set[str]:
    """Telephones and addresses behind which too many persons stand."""
    shared = set()
    for value, key in contact_keys(known).items():
        numbers = [number for number, _ in blocks.get(key, ())]
        persons, first, size = set[str](), 0, 4 * most
        while len(numbers) > most and first < len(numbers) and len(persons) <= most:
            persons |= register.behind(numbers[first : first + size])
            persons.discard(self_known.person if self_known is not None else "")
            first, size = first + size, size * 4
        if len(persons) > most:
            shared.add(value)
    return shared


def _apart(register: Register, self_known: Known | None) -> set[str]:
    """Subjects that a human keeps apart from this record or from its person's other records."""
    if self_known is None:
        return set()
    return set().union(*(register.apart(one.subject) for one in register.members(self_known.person)))


def _of_person(
    register: Register, known: Features, person: str, held: Sequence[tuple[Known, Verdict, Evidence]], weights: Weights, apart: set[str]
) -> Match | None:
    """The verdict about a person: the best of its records, held down by any record that cannot be the same person's."""
    one, verdict, evidence = max(held, key=lambda item: (GRADES.index(item[1].grade), item[1].score, -item[0].id))
    if verdict.grade == "none":
        return None
    said = tuple((field, level, round(evidence.bits[field], 2)) for field, level in evidence.levels.items())
    match = Match(person, one.subject, verdict.grade, verdict.rule, verdict.score, said)
    if verdict.grade == "possible":
        return None if apart and one.subject in apart else match
    members = register.members(person)
    if apart and any(member.subject in apart for member in members):
        return None
    if len(members) >= weights.members:
        return match._replace(grade="possible", rule="too-many-records-of-one-person")
    if any(vetoed(known, member.features, weights) for member in members if member.id != one.id):
        return match._replace(grade="possible", rule="another-record-contradicts")
    odd = next((rule for _, other, _ in held if (rule := other.rule).startswith("same-identifier-but")), "")
    if not odd and verdict.rule != "same-identifier" and not settles(evidence.levels, verdict.grade) and _other_number([known], members):
        odd = OTHER_NUMBER  # that the record which agrees bears no number of that authority changes nothing
    return match._replace(grade="possible", rule=odd) if odd else match


def _other_number(ones: Sequence[Features], members: Sequence[Known]) -> bool:
    """Does an authority that gave numbers to these know the others by other numbers only?"""
    said = {numbers_level(one.persons, member.features.persons) for one in ones for member in members}
    return "other" in said and "same" not in said


def opposed(one: Sequence[Known], two: Sequence[Known], through: Known, weights: Weights) -> bool:
    """Does anything among the records of two persons speak against their being one: a pair that cannot be the same, or two numbers of one
    authority between which the record that brings them together is no witness, for it bears none, and no contact data in common?"""
    if any(vetoed(left.features, right.features, weights) for left in one for right in two):
        return True
    bridged = _other_number([known.features for known in one], two) and not _other_number([through.features], two)
    return bridged and _contacts(one).isdisjoint(_contacts(two))


def _contacts(records: Sequence[Known]) -> set[str]:
    held = [known.features for known in records]
    return {value for one in held for value in (*one.members, *one.telephones, *one.addresses, *one.mails)}


def vetoed(left: Features, right: Features, weights: Weights) -> bool:
    """Can these two not be one person, whatever others say?"""
    evidence = compare(left, right, weights, _no_terms)
    against = contradictions(evidence.levels, left, right)
    return "birth-order" in against or len(against) >= 2


def _no_terms(field: str, term: str) -> tuple[int, int]:
    return 0, 0
