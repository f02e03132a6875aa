"""From evidence to a grade: certain, probable, possible or none, with the rule that decided. Pure.

Score alone links nobody. What must agree at least, what contradicts, and what twins look like stand here as rules with names;
a rule may hold a grade down (the pair then waits for a human), never push it up beyond what the score and an identifier say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from trivet.data.identity.compare import Evidence
from trivet.data.identity.features import Features
from trivet.data.identity.weights import Weights

__all__ = ["GRADES", "OTHER_NUMBER", "Verdict", "contradictions", "judge", "settles"]

GRADES = ("none", "possible", "probable", "certain")
ALIKE = frozenset({"exact", "part", "close", "nickname", "swapped", "digit", "same", "street"})
HALF = ALIKE | {"initial", "fuzzy", "parts"}
MERELY_ALIKE = frozenset({"close", "initial", "fuzzy"})  # given names that may be one, written badly, or two: Bryan and Ryan
CONTACT = ("telephone", "address", "mail", "member")
WHO = ("family", "given", "birth")
OTHER_NUMBER = "other-number"
GENERATION = 12  # years between birth dates from which one name at one address may be parent and child


class Verdict(NamedTuple):
    """`grade` after all rules, the `rule` that set it, and the score with the prior in bits."""

    grade: str
    rule: str
    score: float


def contradictions(levels: Mapping[str, str], left: Features, right: Features) -> tuple[str, ...]:
    """What speaks against one person, by name."""
    found = []
    given, family, birth = levels.get("given"), levels.get("family"), levels.get("birth")
    if given == "other" and family in ALIKE and birth == "exact":
        found.append("twins")
    if given == "other" and family == "other":
        found.append("other-name")
    if birth == "other" and not _all_but_birth(levels, left, right):
        found.append("other-birth-date")
    if levels.get("sex") == "other" and (given in ("other", "fuzzy", None)):
        found.append("other-sex")
    if left.birth_order and right.birth_order and left.birth_order != right.birth_order and birth == "exact":
        found.append("birth-order")
    if levels.get("suffix") == "other" and birth != "exact":
        found.append("other-generation")
    return tuple(found)


def _all_but_birth(levels: Mapping[str, str], left: Features, right: Features) -> bool:
    """Does all else agree, and are the birth dates too near for parent and child of one name?"""
    named = levels.get("family") == levels.get("given") == "exact" and levels.get("middle") != "other"
    reached = levels.get("address") in ("same", "street") and levels.get("telephone") in ("same", None)
    return named and reached and levels.get("sex") == "same" and abs(int(left.birth[:4]) - int(right.birth[:4])) < GENERATION


def judge(left: Features, right: Features, evidence: Evidence, prior: float, weights: Weights) -> Verdict:
    """The grade of a pair."""
    levels, score = evidence.levels, prior + evidence.score
    against = contradictions(levels, left, right)
    if left.test != right.test:
        return Verdict("none", "test-patient", score)
    if levels.get("identifier") == "same":
        if against:
            return Verdict("possible", f"same-identifier-but-{against[0]}", score)
        return Verdict("certain", "same-identifier", score)
    grade = by_score(score, weights)
    if "birth-order" in against:
        return Verdict("none", "birth-order", score)
    if grade == "possible" and _little(levels):
        return Verdict("none", "little-in-common", score)  # a human would have nothing to go by either
    if against and grade != "none":
        return Verdict("possible", against[0], score)
    most, rule = _at_most(levels, grade)
    if GRADES.index(grade) > GRADES.index(most):
        return Verdict(most, rule, score)
    return Verdict(grade, "score", score)


def by_score(score: float, weights: Weights) -> str:
    """The grade that bits alone would give."""
    if score >= weights.certain:
        return "certain"
    if score >= weights.probable:
        return "probable"
    return "possible" if score >= weights.possible else "none"


def _little(levels: Mapping[str, str]) -> bool:
    """Is there nothing in common but a name, or half a name and a birth date? Every register has such pairs by chance."""
    alike = {field for field in (*WHO, *CONTACT, "identifier", "middle") if levels.get(field) in ALIKE}
    return len(alike) < len(WHO) and alike <= set(WHO)


def reached(levels: Mapping[str, str]) -> bool:
    """Are they to be found at one telephone, address or mail address, or insured under one number?"""
    return any(levels.get(field) in ("same", "street") for field in CONTACT)


def settles(levels: Mapping[str, str], grade: str) -> bool:
    """Is there enough for one person although an authority counts two? Contact data in common; or, of somebody who moved within the place,
    a name and birth date so rare that the pair is certain by its bits."""
    return reached(levels) or (levels.get("address") == "place" and grade == "certain")


def _at_most(levels: Mapping[str, str], grade: str) -> tuple[str, str]:
    """The best grade for which there is enough evidence; `grade` is that of the score."""
    family, given, birth = (levels.get(field) in ALIKE for field in ("family", "given", "birth"))
    half_given = levels.get("given") in HALF
    contact, numbers, middle = reached(levels), levels.get("identifier"), levels.get("middle")
    two = middle == "other" or (numbers == "other" and middle != "same")
    if two and levels.get("birth") == "exact" and levels.get("given") in MERELY_ALIKE:
        return "possible", "twins"
    if numbers == "other" and not settles(levels, grade):
        return "possible", OTHER_NUMBER
    if family and given and birth:
        return "certain", "score"
    if birth and contact and (given or (family and half_given)):
        return "certain" if given else "probable", "two-of-three-and-contact"
    if family and given and contact and levels.get("birth", "other") in ("other", "parts"):
        return "probable", "names-and-contact"
    if given and levels.get("member") == "same":
        return "probable", "member-and-given-name"
    return "possible", "too-little-evidence"
