"""Identity in real time: links with reasons, doubts that wait, decisions that stay, and the same again from the same receipts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from identity_desk import FULL, Desk, patient
from trivet.kernel import jsontext
from trivet.kernel.resources import text


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "home.db")
    yield made
    made.store.close()


def test_two_systems_name_one_person(desk: Desk) -> None:
    """Another source, another spelling and no common number: one person, with evidence for each field."""
    desk.take("adt", patient("a", mrn="100", **FULL))
    desk.take("ehr", patient("b", given="Eléna", family="RAMIREZ", phone="312-555-0142", street="12 OAK ST"))
    assert desk.person("a") == desk.person("b")
    rows = desk.store.read("select kind, rule, grade, score, evidence from link_event where subject = 'Patient/b'")
    kind, rule, grade, score, evidence = rows[0]
    assert (kind, rule, grade) == ("linked", "score", "certain")
    assert score > 10
    assert {field for field, _, _ in jsontext.loads(evidence)} >= {"family", "given", "birth", "sex", "telephone", "address"}


def test_same_number_with_name_only_is_enough(desk: Desk) -> None:
    """A monitor that sends number and name: the number in its authority decides, because nothing contradicts."""
    desk.take("adt", patient("a", mrn="100"))
    desk.take("vitals", patient("b", born="", sex="", mrn="100"))
    desk.take("beds", patient("c", family="", given="", born="", sex="", mrn="100"))
    assert desk.person("a") == desk.person("b") == desk.person("c")


def test_same_number_with_another_name_and_birth_date_waits_for_a_human(desk: Desk) -> None:
    """A swapped number merges nobody: neither with whose number it is nor with whose name it is."""
    desk.take("adt", patient("a", mrn="100"), patient("b", "Okafor", "James", "1948-11-02", "male", mrn="200"))
    desk.take("lab", patient("c", "Okafor", "James", "1948-11-02", "male", mrn="100"))
    assert len({desk.person(name) for name in "abc"}) == 3
    assert {rule for _, _, rule in desk.reviews()} >= {"same-identifier-but-other-name"}


def test_a_disputed_record_joins_nobody(desk: Desk) -> None:
    """After a swapped number: a third record that fits the name on both sides goes to the undisputed one and pulls nothing with it."""
    desk.take("adt", patient("a", mrn="100", **FULL), patient("b", "Okafor", "James", "1948-11-02", "male", mrn="200"))
    desk.take("lab", patient("c", "Okafor", "James", "1948-11-02", "male", mrn="100"))
    desk.take("films", patient("d", "Okafor", "James", "1948-11-02", "male"))
    assert desk.person("d") == desk.person("b")
    assert desk.person("c") not in (desk.person("a"), desk.person("b"))


def test_a_disputed_number_stays_with_who_bears_it_undisputed(desk: Desk) -> None:
    """A result came under somebody else's number: who later comes with that number and no name is the one whose other records bear it
    undisputed, not the one whose name the result bore; where nobody bears it undisputed, nobody is linked and a human is asked."""
    nameless: dict[str, Any] = {"family": "", "given": "", "born": "", "sex": "", "mrn": "100"}
    desk.take("adt", patient("b", "Okafor", "James", "1948-11-02", "male", mrn="200", street="9 Elm Road"))
    desk.take("lab", patient("c", "Okafor", "James", "1948-11-02", "male", mrn="100", street="9 Elm Road"))
    assert desk.person("c") == desk.person("b")
    desk.take("adt", patient("a", mrn="100", **FULL))
    desk.take("beds", patient("d", **nameless))
    assert desk.person("d") not in (desk.person("a"), desk.person("b"))
    assert "number-disputed" in {rule for _, _, rule in desk.reviews()}
    desk.take("ehr", patient("e", mrn="100", **FULL))
    assert desk.person("e") == desk.person("a")
    desk.take("appointments", patient("f", **nameless))
    assert desk.person("f") == desk.person("a")


def test_twins_are_two(desk: Desk) -> None:
    """Same surname, birth date, address and telephone, other given name: two persons, and a doubt for a human."""
    desk.take("adt", patient("a", given="Elena", mrn="100", **FULL))
    desk.take("adt", patient("b", given="Marta", mrn="101", **FULL))
    assert desk.person("a") != desk.person("b")
    assert [rule for _, _, rule in desk.reviews()] == ["twins"]


def test_a_household_is_not_a_person(desk: Desk) -> None:
    """Shared address and telephone with another name and birth date link nobody and trouble nobody."""
    desk.take("adt", patient("a", mrn="100", **FULL))
    desk.take("adt", patient("b", given="Tomas", born="1990-01-30", sex="male", mrn="101", **FULL))
    assert desk.person("a") != desk.person("b")
    assert desk.reviews() == []


def test_placeholders_are_no_evidence(desk: Desk) -> None:
    """Two unknown persons born on the first of January 1900 have nothing in common."""
    for name in "abc":
        desk.take("adt", patient(name, "UNKNOWN", "UNKNOWN", "1900-01-01", "female", mrn=f"10{name}"))
    assert len(set(desk.persons().values())) == 3
    assert desk.reviews() == []


def test_a_newborn_without_a_name_is_not_its_sibling(desk: Desk) -> None:
    """BABY is no given name: same surname, birth date and address are too little evidence."""
    desk.take("adt", patient("a", given="BABY", born="2026-02-11", mrn="100", **FULL))
    desk.take("adt", patient("b", given="BABY", born="2026-02-11", mrn="101", **FULL))
    assert desk.person("a") != desk.person("b")


def test_a_test_patient_stays_alone(desk: Desk) -> None:
    """TEST is recognised, whatever else agrees."""
    desk.take("adt", patient("a", "TEST", "Elena", mrn="100", **FULL))
    desk.take("lab", patient("b", "Ramirez", "Elena", **FULL))
    assert desk.person("a") != desk.person("b")
    assert desk.store.read("select rule from link_event where subject = 'Patient/a'") == [("test-patient",)]


def test_swapped_day_and_month_is_still_the_same_person(desk: Desk) -> None:
    """A practice that writes 4 May for 5 April, with the same address."""
    desk.take("adt", patient("a", born="1961-05-04", mrn="100", **FULL))
    desk.take("practice", patient("b", born="1961-04-05", **FULL))
    assert desk.person("a") == desk.person("b")


@pytest.mark.parametrize(("born", "one"), [("1961-04-16", True), ("1958-11-30", True), ("1991-11-30", False)])
def test_another_birth_date_where_all_else_agrees(desk: Desk, born: str, one: bool) -> None:
    """A day's slip or a wrong year at the same address is one person, in view as a conflict; a generation apart waits for a human."""
    desk.take("adt", patient("a", mrn="100", **FULL))
    desk.take("practice", patient("b", born=born, **FULL))
    assert (desk.person("a") == desk.person("b")) is one
    assert bool(desk.reviews()) is not one


def test_a_new_surname_keeps_the_person_and_both_names_match(desk: Desk) -> None:
    """After a marriage the record keeps its person; a feed with the old name and one with the new name both find it."""
    desk.take("adt", patient("a", mrn="100", **FULL))
    desk.take("adt", patient("a", family="Hollis", mrn="100", **FULL))
    desk.take("ehr", patient("b", family="Ramirez", **FULL))
    desk.take("billing", patient("c", family="Hollis", **FULL))
    assert desk.person("a") == desk.person("b") == desk.person("c")


def test_a_record_that_suddenly_speaks_of_somebody_else_is_a_conflict(desk: Desk) -> None:
    """An overlay: the record keeps what it said, stays with its person, and waits for a human."""
    desk.take("lab", patient("a", mrn="100"))
    before = desk.persons()
    desk.take("lab", patient("a", "Okafor", "James", "1948-11-02", "male", mrn="100"))
    assert desk.persons() == before
    assert [(kind, rule) for _, kind, rule in desk.reviews()] == [("conflict", "speaks-of-another")]


def test_a_merge_said_by_the_sender_and_its_undoing(desk: Desk) -> None:
    """A40 moves the losing record's person; undoing it restores every link as it was, and the machine never joins them again."""
    desk.take("adt", patient("a", mrn="100"), patient("b", "Weiss", "Anna", "1980-02-02", mrn="200"))
    desk.take("ehr", patient("c", "Weiss", "Anna", "1980-02-02", mrn="200"))
    before = desk.persons()
    merge = patient("b", "Weiss", "Anna", "1980-02-02", mrn="200", link=[{"other": {"reference": "Patient/a"}, "type": "replaced-by"}])
    desk.take("adt", merge)
    assert len(set(desk.persons().values())) == 1
    event = desk.store.read("select id from link_event where kind = 'merged'")[0][0]
    desk.decide(action="unmerge", target=event)
    assert desk.persons() == before
    desk.take("adt", merge | {"gender": "female", "telecom": [{"system": "phone", "value": "312-555-0100"}]})
    assert desk.persons() == before
    assert "said-by-sender-but-separated" in {rule for _, _, rule in desk.reviews()}


def test_who_a_human_separated_stays_separated(desk: Desk) -> None:
    """After a separation an update that would match again changes nothing."""
    desk.take("adt", patient("a", mrn="100", **FULL))
    desk.take("ehr", patient("b", **FULL))
    assert desk.person("a") == desk.person("b")
    desk.decide(action="separate", target="Patient/b")
    assert desk.person("a") != desk.person("b")
    desk.take("ehr", patient("b", mrn="100", **FULL))
    desk.take("ehr", patient("b", mrn="100", phone="773-555-0199"))
    assert desk.person("a") != desk.person("b")


def test_a_doubt_is_confirmed_or_rejected_once(desk: Desk) -> None:
    """Confirming joins the persons; a second answer is refused."""
    from trivet.kernel.errors import Refused

    desk.take("adt", patient("a", given="Elena", mrn="100", **FULL))
    desk.take("adt", patient("b", given="Marta", mrn="101", **FULL))
    number = desk.reviews()[0][0]
    desk.decide(action="confirm", target=number)
    assert desk.person("a") == desk.person("b")
    with pytest.raises(Refused):
        desk.decide(action="reject", target=number)


def test_links_as_of_a_position(desk: Desk) -> None:
    """Asked for an earlier position, the links of that position stand, not today's."""
    desk.take("adt", patient("a", mrn="100", **FULL))
    desk.take("ehr", patient("b", "Unrelated", "Bob", "1999-09-09", "male"))
    early = desk.seq
    desk.decide(action="merge", target="Patient/a", other="Patient/b")
    now = text("trivet.data", "sql", "relations", "link_now.sql")
    then = {subject: person for subject, person, *_ in desk.store.read(now, {"as_of": early})}
    today = {subject: person for subject, person, *_ in desk.store.read(now, {"as_of": desk.seq})}
    assert len(set(then.values())) == 2
    assert len(set(today.values())) == 1


def test_a_crowded_key_is_said_aloud(desk: Desk) -> None:
    """More records under one key than are compared: never silently "no match"."""
    desk.linker.weights = replace(desk.linker.weights, block=3)
    for number in range(6):
        desk.take("adt", patient(f"p{number}", given="Elena", born="1961-04-17", sex="", mrn=f"9{number}00{number}"))
    assert "crowded" in {kind for _, kind, _ in desk.reviews()}


def test_a_match_in_a_block_too_large_waits_for_a_human(desk: Desk) -> None:
    """What would be linked stands apart, with the reason; one number in one authority links all the same; a human's yes joins."""
    for number in range(4):
        desk.take("adt", patient(f"p{number}", given=("Ann", "Bea", "Cleo", "Dora")[number], born=f"196{number}-01-02", **FULL))
    desk.linker.weights = replace(desk.linker.weights, block=3)
    desk.take("lab", patient("q", given="Dora", born="1963-01-02", **FULL))
    assert desk.person("q") != desk.person("p3")
    found = {(kind, rule) for _, kind, rule in desk.reviews()}
    assert ("crowded", "block-too-large:address,telephone") in found
    number = next(number for number, kind, rule in desk.reviews() if (kind, rule) == ("pair", "block-too-large"))
    desk.decide(action="confirm", target=number)
    assert desk.person("q") == desk.person("p3")


def test_a_known_record_costs_nothing_and_says_nothing(desk: Desk) -> None:
    """The same record again: no entry, no event."""
    desk.take("adt", patient("a", mrn="100", **FULL))
    told = len(desk.entries)
    desk.take("adt", patient("a", mrn="100", **FULL))
    assert len(desk.entries) == told


def test_a_reference_alone_makes_a_person_that_a_record_can_join(desk: Desk) -> None:
    """An observation before its patient: the person is there, and becomes the one that matches when the patient comes."""
    desk.take("adt", patient("a", mrn="100", **FULL))
    desk.take("ehr", {"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/b"}})
    assert desk.person("b") != desk.person("a")
    desk.take("ehr", patient("b", **FULL))
    assert desk.person("b") == desk.person("a")


def test_the_ledger_hears_no_name_and_no_number(desk: Desk) -> None:
    """Entries hold grade, rule and bits; whom they are about is a keyed commitment."""
    desk.take("adt", patient("a", mrn="7654321", **FULL))
    desk.take("ehr", patient("b", **FULL))
    said = repr(desk.entries).upper()
    for secret in ("RAMIREZ", "ELENA", "7654321", "1961", "PATIENT/A", desk.person("a").upper()):
        assert secret not in said


def test_the_same_receipts_give_the_same_tables(tmp_path: Path) -> None:
    """Everything identity keeps is a function of the receipts in their order."""
    digests = []
    for run in "12":
        desk = Desk(tmp_path / f"{run}.db")
        desk.take("adt", patient("a", mrn="100", **FULL), patient("b", "Weiss", "Anna", "1980-02-02"))
        desk.take("ehr", patient("c", **FULL), patient("d", given="Marta", **FULL))
        desk.take("lab", patient("e", "Weiss", "Ana", "1980-02-02"))
        tables = ("identity_record", "identity_block", "identity_term", "link", "link_event", "link_review", "link_apart")
        digests.append([desk.store.read(f"select * from {table} order by 1, 2") for table in tables])
        desk.store.close()
    assert digests[0] == digests[1]


def test_a_home_made_before_briefs_finds_whom_it_found(tmp_path: Path) -> None:
    """Keys that an older home kept are taken over when it is opened: records behind them are looked at in full, once opened again too."""
    desk = Desk(tmp_path / "home.db")
    desk.take("adt", *(patient(f"p{number}", "Weiss", "Anna", f"19{number + 50}-02-02", phone="312-555-0142") for number in range(30)))
    desk.take("adt", patient("a", **FULL))
    kept = desk.store.read("select key, record from identity_block order by key, record")
    desk.store.write(lambda tx: tx.execute("insert into identity_key (key, record) select key, record from identity_block"))
    desk.store.write(lambda tx: tx.execute("delete from identity_block"))
    desk.store.close()
    for name in "bc":
        again = Desk(tmp_path / "home.db")
        assert again.store.read("select key, record from identity_block where brief = -1 order by key, record") == kept
        assert again.store.read("select count(*) from identity_key") == [(0,)]
        again.seq = 1
        again.take("ehr", patient(name, **FULL), patient(f"w{name}", "Weiss", "Anna", "1963-02-02"))
        assert again.person(name) == again.person("a")
        assert again.person(f"w{name}") == again.person("p13")
        again.store.close()
