"""Families in a table: who lives together shares a surname, an address and a telephone, and is not one person for that."""

from __future__ import annotations

import random

import numpy as np

from trivet.data.identity.household import two_persons
from trivet.data.identity.resolve import deduplicate
from trivet.data.identity.table import read_people

HEAD = "first name,middle name,last name,sex,birth date,street,phone"
MALE = ["aldo", "bruno", "carlos", "david", "emil", "farid", "gustav", "henrik", "ivan", "jonas", "karl", "leopold"]
FEMALE = ["agnes", "beatrix", "clara", "dorothea", "elena", "frida", "greta", "hedwig", "irma", "johanna", "klara", "lucia"]
FAMILY = ["adler", "brandt", "castro", "dahl", "eriksen", "fischer", "gomez", "haas", "ivanov", "jensen", "keller", "lopez", "novak"]


def families(count: int, seed: int) -> tuple[str, list[int]]:
    """A table of parents, a child and twins of one home each, every fourth person written twice; and which person each row is."""
    rng = random.Random(seed)
    rows, who = [], list[int]()
    for home in range(count):
        last, street, phone = (
            rng.choice(FAMILY),
            f"{rng.randrange(900)} {rng.choice(FAMILY)} road",
            str(5550000000 + rng.randrange(9999999)),
        )
        born = [rng.randrange(1950, 1980), rng.randrange(1950, 1980), rng.randrange(2000, 2015)]
        days = [f"{year}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}" for year in born]
        names = [rng.choice(MALE), *rng.sample(FEMALE, 2), rng.choice(MALE)]
        for place, (name, sex, day) in enumerate(zip(names, "MFFM", [*days, days[2]], strict=True)):
            row = [name, rng.choice(MALE if sex == "M" else FEMALE), last, sex, day, street, phone]
            rows.append(row)
            who.append(home * 4 + place)
            if rng.random() < 0.25:
                rows.append([name[:-1], *row[1:]])
                who.append(home * 4 + place)
    order = rng.sample(range(len(rows)), len(rows))
    return "\n".join([HEAD, *(",".join(rows[place]) for place in order)]), [who[place] for place in order]


def test_families_are_not_one_person() -> None:
    """Parents, children and twins of two sexes stay apart, and each finds the row that is written twice: over four towns one link in ten
    may be wrong (a father and his namesake, Karl and Klara), where without the rule nine in ten are."""
    linked, wrong, pairs, missed = 0, 0, 0, 0
    for seed in range(1, 5):
        text, who = families(200, seed)
        found = deduplicate(read_people(text, {}, "t")).clusters
        same = {(one, other) for one in range(len(who)) for other in range(one) if found[one] == found[other]}
        truth = {(one, other) for one in range(len(who)) for other in range(one) if who[one] == who[other]}
        linked, wrong = linked + len(same), wrong + len(same - truth)
        pairs, missed = pairs + len(truth), missed + len(truth - same)
    assert wrong <= 0.1 * linked
    assert missed <= 0.02 * pairs


def test_two_persons_need_more_than_another_given_name() -> None:
    """Birth date, sex or second name differ as well; a number that agrees, or a name that is alike, speaks for one."""
    none = np.full(6, -1, dtype=np.int8)
    levels = {
        "given": np.array([4, 4, 4, 4, 1, 4], dtype=np.int8),
        "birth": np.array([3, 0, 0, 3, 3, -1], dtype=np.int8),
        "sex": np.array([0, 1, 0, 0, 1, -1], dtype=np.int8),
        "ssn": np.where(np.arange(6) == 3, 0, none).astype(np.int8),
    }
    assert two_persons(levels).tolist() == [True, True, False, False, False, False]
    assert not two_persons({"family": none}).any()


def test_given_and_second_name_in_each_others_place_agree() -> None:
    """Who is called by the second name is no twin."""
    rows = ("anna,clara,haas,F,1961-04-17,1 mill road,5550001", "clara,anna,haas,F,1961-04-17,1 mill road,5550001")
    text = "\n".join((HEAD, *rows, "liam,karl,dahl,M,1970-12-25,2 hill road,5550002"))
    one, other, third = deduplicate(read_people(text, {}, "t")).clusters
    assert one == other != third
