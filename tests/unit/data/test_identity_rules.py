"""What holds a link down, or keeps a doubt from a human: two numbers of one authority, names that are merely alike, a name alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity_desk import FULL, Desk, patient
from trivet.data.identity.compare import compare
from trivet.data.identity.features import Features, Name
from trivet.data.identity.judge import GRADES, judge
from trivet.data.identity.weights import shipped
from trivet.kernel import jsontext
from trivet.kernel.resources import text


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "home.db")
    yield made
    made.store.close()


def named(name: str, given: str, middle: str, **more: Any) -> dict[str, Any]:
    """A patient with a middle name."""
    return patient(name, given=given, **more) | {"name": [{"family": "Ramirez", "given": [given, middle]}]}


def rules(desk: Desk) -> list[str]:
    """Why the doubts wait."""
    return [rule for _, _, rule in desk.reviews()]


def test_two_numbers_of_one_authority_are_two_until_something_else_is_shared(desk: Desk) -> None:
    """Two women of one name, born on one day, under two record numbers of one hospital: a human is asked. At one address they are one."""
    desk.take("adt", patient("a", "Garcia", "Maria", mrn="100", **FULL))
    desk.take("lab", patient("b", "Garcia", "Maria", mrn="200"))
    assert desk.person("a") != desk.person("b")
    assert rules(desk) == ["other-number"]
    desk.take("adt", patient("c", "Garcia", "Maria", mrn="300", **FULL))
    assert desk.person("c") == desk.person("a")


@pytest.mark.parametrize(("place", "linked"), [("60601", True), ("73301", False)])
def test_who_moved_within_the_place_is_one_where_the_name_is_rare(desk: Desk, place: str, linked: bool) -> None:
    """Two numbers, two streets: with one postal code and a name and birth date that are certain by their bits one person, with two postal
    codes a human's to say. A result under the second number, come before, goes with its card."""
    desk.take("adt", patient("a", "Quackenbush", "Zenobia", mrn="100", street="12 Oak Street"))
    desk.take("lab", patient("b", "Quackenbush", "Zenobia", mrn="200"))
    desk.take("adt", patient("c", "Quackenbush", "Zenobia", mrn="200", street="740 Mill Road", place=place))
    assert desk.person("b") == desk.person("c")
    assert (desk.person("a") == desk.person("c")) is linked
    assert rules(desk) == ([] if linked else ["other-number"])


def test_another_number_is_not_forgotten_because_one_record_of_the_person_bears_none(desk: Desk) -> None:
    """The person's document from outside has no number of the hospital, and agrees; the hospital's own record under another number still
    holds the link down."""
    desk.take("adt", patient("a", mrn="100", **FULL))
    desk.take("practice", patient("b", **FULL))
    assert desk.person("a") == desk.person("b")
    desk.take("lab", patient("c", mrn="200"))
    assert desk.person("c") != desk.person("a")
    assert rules(desk) == ["other-number"]


def test_a_record_without_a_number_is_no_bridge_between_two_numbers(desk: Desk) -> None:
    """A film that has neither number fits both: it goes with one of them, and whether the two are one is a human's to say."""
    desk.take("adt", patient("a", mrn="100", **FULL))
    desk.take("lab", patient("b", mrn="200"))
    desk.take("films", patient("c"))
    assert desk.person("c") == desk.person("a") != desk.person("b")
    assert rules(desk) == ["other-number"]


def test_a_result_under_the_number_of_somebody_never_seen_waits(desk: Desk) -> None:
    """The right name under a number that nobody here bears: linked to nobody, in review; when its owner comes, the number is disputed."""
    desk.take("adt", patient("a", mrn="100", **FULL))
    desk.take("lab", patient("b", mrn="999"))
    assert rules(desk) == ["other-number"]
    desk.take("adt", patient("c", "Okafor", "James", "1948-11-02", "male", mrn="999"))
    assert len({desk.person(name) for name in "abc"}) == 3
    assert set(rules(desk)) == {"other-number", "same-identifier-but-other-name"}


@pytest.mark.parametrize("order", list(permutations("abc")))
@pytest.mark.parametrize("born", ["1961-04-17", "1900-01-01"])
def test_a_second_registration_is_one_person_whichever_record_comes_first(desk: Desk, born: str, order: tuple[str, ...]) -> None:
    """A second card with the same address, and a result under its number with no address: one person, in any order, and the doubt about
    the result is over. So too where the second card's birth date is a placeholder, which alone makes a probable match."""
    people = {
        "a": patient("a", mrn="100", **FULL),
        "b": patient("b", born=born, mrn="200", **FULL),
        "c": patient("c", born=born, mrn="200"),
    }
    for name in order:
        desk.take(f"feed-{name}", people[name])
    assert len(set(desk.persons().values())) == 1
    assert desk.reviews() == []


@pytest.mark.parametrize(
    ("one", "other", "linked"),
    [
        (named("a", "Bryan", "A", mrn="100", **FULL), named("b", "Ryan", "J", mrn="200", **FULL), False),
        (named("a", "Bryan", "A", **FULL), named("b", "Ryan", "J", **FULL), False),
        (patient("a", given="Bryan", mrn="100", **FULL), patient("b", given="Ryan", mrn="200", **FULL), False),
        (patient("a", given="J", mrn="100", **FULL), patient("b", given="John", mrn="200", **FULL), False),
        (named("a", "Bryan", "A", mrn="100", **FULL), named("b", "Byran", "A", mrn="200", **FULL), True),
        (patient("a", given="Bryan", mrn="100", **FULL), patient("b", given="Byran", **FULL), True),
        (named("a", "Bryan", "A", mrn="100", **FULL), named("b", "Byran", "J", mrn="100", **FULL), True),
        (patient("a", given="William", mrn="100", **FULL), patient("b", given="Bill", mrn="200", **FULL), True),
    ],
)
def test_given_names_that_are_merely_alike(desk: Desk, one: dict[str, Any], other: dict[str, Any], linked: bool) -> None:
    """Born on one day in one house, Bryan and Ryan: two under two numbers or with two middle names, one where the middle name or the
    number is the same, or nobody counts them as two. A short form is no other name."""
    desk.take("adt", one)
    desk.take("adt", other)
    assert (desk.person("a") == desk.person("b")) is linked
    assert rules(desk) == ([] if linked else ["twins"])


@pytest.mark.parametrize(("bearers", "grade"), [(90, "none"), (1, "possible")])
def test_a_name_alone_is_no_doubt_unless_it_is_rare(bearers: int, grade: str) -> None:
    """A payer's record with nothing but a name, among 14,000: of a name that many bear no human can say who it is; of one that nobody else
    bears there is something to ask. A birth date in common is more than a name."""
    weights, payer = shipped(), Features((Name("MENDEZ", "VINCENT", "", ""),), "", "", (), (), (), (), (), 0, False)
    known = payer._replace(birth="1960-01-05", sex="male", persons=("urn:mrn|100",))
    evidence = compare(payer, known, weights, lambda field, term: (bearers, 14_000))
    verdict = judge(payer, known, evidence, weights.prior(14_000), weights)
    assert (verdict.grade, verdict.rule) == (grade, "little-in-common" if grade == "none" else "too-little-evidence")
    dated = payer._replace(birth="1960-01-05")
    evidence = compare(dated, known, weights, lambda field, term: (bearers, 14_000))
    assert judge(dated, known, evidence, weights.prior(14_000), weights).grade in ("probable", "certain")


def test_half_a_name_and_a_birth_date_are_no_doubt_unless_something_else_is_shared(desk: Desk) -> None:
    """Two Kathleens born on one day under two numbers in two houses are nobody's question; at one telephone a new surname is one
    person's."""
    desk.take("ehr", patient("a", "Jordan", "Kathleen", mrn="100", phone="(312) 555-0177"))
    desk.take("ehr", patient("b", "Brown", "Kathleen", mrn="200", street="9 Elm Road"))
    assert desk.reviews() == []
    desk.take("ehr", patient("c", "Schmidt", "Kathleen", mrn="300", phone="(312) 555-0177"))
    assert desk.person("a") == desk.person("c") != desk.person("b")
    assert desk.reviews() == []


def test_a_sex_in_the_place_of_a_name_is_no_name(desk: Desk) -> None:
    """MALE and FEMALE are typed for somebody unknown: no evidence, and no other name when the true one is learnt under the same number."""
    desk.take("adt", patient("a", "UNKNOWN", "FEMALE", "1960-11-27", mrn="100"))
    desk.take("adt", patient("b", "UNKNOWN", "FEMALE", "1960-11-27", mrn="200"))
    desk.take("billing", patient("c", "Bradley", "Andrea", "1960-11-27", mrn="100"))
    assert desk.person("a") == desk.person("c") != desk.person("b")
    assert desk.reviews() == []


texts = st.sampled_from(["", "RAMIREZ", "RAMIRES", "OKAFOR"])
written = st.builds(Name, texts, st.sampled_from(["", "BRYAN", "RYAN", "B", "ELENA"]), st.sampled_from(["", "A", "J"]), st.just(""))
people = st.builds(
    Features,
    names=st.lists(written, max_size=2).map(tuple),
    birth=st.sampled_from(["", "1961-04-17", "1961-04-18", "1990-01-30"]),
    sex=st.sampled_from(["", "male", "female"]),
    persons=st.lists(st.sampled_from(["urn:mrn|1001", "urn:mrn|2222", "urn:ris|7"]), max_size=2, unique=True).map(tuple),
    members=st.lists(st.sampled_from(["urn:plan|5"]), max_size=1).map(tuple),
    telephones=st.lists(st.sampled_from(["3125550142"]), max_size=1).map(tuple),
    addresses=st.lists(st.sampled_from(["12 OAK ST|60601", "9 ELM RD|60601"]), max_size=1).map(tuple),
    mails=st.just(()),
    birth_order=st.just(0),
    test=st.just(False),
)


@settings(max_examples=300, deadline=None)
@given(people, people, st.integers(0, 4_000), st.integers(2_000, 5_000))
def test_what_no_score_may_link(left: Features, right: Features, count: int, total: int) -> None:
    """Whatever the names weigh: two numbers of one authority without a place in common are never linked, nor are names that are merely
    alike under two numbers; a pair with nothing in common but a name, or half a name and a birth date, is put before a human only when
    that makes it probable. And a verdict does not depend on which record came first."""
    weights = shipped()
    evidence = compare(left, right, weights, lambda field, term: (count, total))
    verdict = judge(left, right, evidence, weights.prior(total), weights)
    levels, grade = evidence.levels, GRADES.index(verdict.grade)
    near = any(levels.get(field) in ("same", "street", "place") for field in ("telephone", "address", "member"))
    if levels.get("identifier") == "other" and not near:
        assert grade < GRADES.index("probable")
    if levels.get("identifier") == "other" and levels.get("middle") is None and levels.get("given") in ("close", "fuzzy", "initial"):
        assert grade < GRADES.index("probable") or levels.get("birth") != "exact"
    alike = {field for field, level in levels.items() if level not in ("other", "place", "parts", "fuzzy", "initial")} - {"sex"}
    if alike <= {"family", "given"} or alike <= {"family", "birth"} or alike <= {"given", "birth"}:
        assert verdict.grade == "none" or verdict.score >= weights.probable
    back = compare(right, left, weights, lambda field, term: (count, total))
    assert judge(right, left, back, weights.prior(total), weights).grade == verdict.grade


def test_a_doubt_shows_the_strongest_that_was_ever_said_of_the_two(desk: Desk) -> None:
    """A result with name and birth date begins a doubt; one that has the middle name as well makes it stronger; a weaker record changes
    nothing, and a human is asked once."""
    desk.take("adt", named("a", "Elena", "R", mrn="100", **FULL))
    desk.take("lab", patient("b", mrn="200"))
    [(number, _, _)] = desk.reviews()
    weak = desk.store.read("select score from link_review")[0][0]
    desk.take("lab_b", named("c", "Elena", "R", mrn="200"))
    desk.take("vitals", patient("d", mrn="200"))
    [(still, score, other, evidence)] = desk.store.read("select id, score, subject, evidence from link_review")
    assert (still, other) == (number, "Patient/c")
    assert score > weak + 3
    assert "middle" in {field for field, _, _ in jsontext.loads(evidence)}
    assert [entry.notes["bits"] for entry in desk.entries if entry.notes["event"] == "doubt"] == [f"{weak:.2f}", f"{score:.2f}"]


def test_a_doubt_about_a_number_is_not_hidden_by_a_doubt_that_waits(desk: Desk) -> None:
    """Two who wait as twins; then one of them speaks under the number of the other: the doubt says so, and stays so."""
    desk.take("adt", patient("a", given="Elena", mrn="100", **FULL))
    desk.take("adt", patient("b", given="Marta", **FULL))
    assert rules(desk) == ["twins"]
    desk.take("adt", patient("b", given="Marta", mrn="100", **FULL))
    assert rules(desk) == ["same-identifier-but-twins"]
    desk.take("adt", patient("b", given="Marta", mrn="100", **FULL | {"phone": "(312) 555-0199"}))
    assert rules(desk) == ["same-identifier-but-twins"]


def test_what_may_speak_of_somebody_else_waits_in_front(desk: Desk) -> None:
    """The queue begins with a number under which somebody else speaks, however few bits that has; then what may be one person, the
    strongest first; what is rather two comes last, however many bits."""
    desk.take("adt", patient("a", mrn="100", **FULL), patient("b", given="Marta", mrn="101", **FULL))
    desk.take("lab", patient("c", mrn="555"))
    desk.take("adt", patient("d", "Okafor", "James", "1948-11-02", "male", mrn="100"))
    rows = desk.store.read(text("trivet.data", "sql", "relations", "reviews.sql"), {"as_of": desk.seq})
    told = [(row[7], row[-1]) for row in rows]
    assert told == [("same-identifier-but-other-name", 1), ("other-number", 2), ("twins", 3)]
    assert rows[0][8] < 0 < rows[2][8]
