"""Tables of persons without labels: typing errors are seen through, strangers stay strangers, headers say which column is what."""

from __future__ import annotations

import random

import numpy as np
import pytest

from trivet.data.identity.dates import date, order_of
from trivet.data.identity.estimate import estimate, reachable, score
from trivet.data.identity.levels import LEVELS, compare_all, compare_chance
from trivet.data.identity.pairs import block, chance_rows
from trivet.data.identity.resolve import deduplicate, link_tables
from trivet.data.identity.table import People, coded, kinds, read_people, recognised
from trivet.data.identity.together import together
from trivet.kernel.errors import Usage

GIVEN = [
    "anna",
    "bruno",
    "clara",
    "david",
    "elena",
    "farid",
    "grace",
    "henrik",
    "irma",
    "jonas",
    "karla",
    "liam",
    "marta",
    "nils",
    "olga",
    "pavel",
]
FAMILY = [
    "adler",
    "brandt",
    "castro",
    "dahl",
    "eriksen",
    "fischer",
    "gomez",
    "haas",
    "ivanov",
    "jensen",
    "keller",
    "lopez",
    "mayer",
    "novak",
]
HEAD = "first name;surname;date of birth;street;postcode;phone"


def persons(count: int, seed: int) -> list[list[str]]:
    """Rows of different persons."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        day = f"{rng.randrange(1930, 2010)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
        street = f"{rng.randrange(1, 400)} {rng.choice(FAMILY)} street"
        rows.append(
            [
                rng.choice(GIVEN),
                rng.choice(FAMILY),
                day,
                street,
                f"{rng.randrange(10000, 99999)}",
                f"555{number:03d}{rng.randrange(1000, 9999)}",
            ]
        )
    return rows


def smudged(row: list[str], rng: random.Random) -> list[str]:
    """The same person, typed again by somebody in a hurry: one letter wrong, one value missing."""
    out = list(row)
    place, gone = rng.sample(range(len(row)), 2)
    at = rng.randrange(len(out[place]))
    out[place] = out[place][:at] + out[place][at + 1 :]
    out[gone] = ""
    return out


def table(rows: list[list[str]]) -> People:
    """A CSV text with semicolons, read."""
    return read_people("\n".join([HEAD, *(";".join(row) for row in rows)]), {}, "test")


def test_duplicates_are_found_and_strangers_are_left_alone() -> None:
    """Of 300 persons 100 stand twice with errors: each pair is one cluster, and nobody else is."""
    rng = random.Random(5)
    rows = persons(300, 1)
    whole = rows + [smudged(row, rng) for row in rows[:100]]
    found = deduplicate(table(whole))
    assert [found.clusters[300 + number] == found.clusters[number] for number in range(100)] == [True] * 100
    assert len(set(found.clusters)) == 300
    assert min(found.probabilities[:100]) > 0.5


def test_a_table_of_strangers_has_no_duplicates() -> None:
    """Nothing is found where nothing is, whatever the size."""
    for size in (2, 10, 200):
        assert len(set(deduplicate(table(persons(size, 3))).clusters)) == size


def test_one_table_against_another() -> None:
    """Rows that are there are found at their place, rows that are not are said to be not."""
    rng = random.Random(9)
    rows = persons(200, 2)
    others = [smudged(row, rng) for row in rows[:120]]
    order = rng.sample(range(120), 120)
    found = link_tables(table(rows), table([others[number] for number in order]))
    assert found.once
    assert [one.against for one in found.decisions[:120]] == [order.index(number) for number in range(120)]
    assert {one.decision for one in found.decisions[120:]} == {"no_match"}
    assert "exact" in found.decisions[0].reasons


def test_the_same_table_gives_the_same_answer() -> None:
    """No chance is left in it."""
    rng = random.Random(5)
    rows = persons(100, 4)
    whole = table(rows + [smudged(row, rng) for row in rows])
    one, other = deduplicate(whole), deduplicate(whole)
    assert (one.clusters, one.probabilities) == (other.clusters, other.probabilities)


def test_headers_are_recognised_and_labels_are_not_taken_for_persons() -> None:
    """The usual names of columns are known; ids and cluster labels say nothing about who somebody is."""
    found = recognised(["rec_id", "Given Name", "LAST_NAME", "DOB", "cluster", "Zip Code", "unique_id"], {})
    assert found == {"given": "Given Name", "family": "LAST_NAME", "birth": "DOB", "zip": "Zip Code"}


def test_a_column_can_be_named_by_hand() -> None:
    """`--map` wins; a field or a column that is not there is refused."""
    assert recognised(["a", "b"], {"family": "a"}) == {"family": "a"}
    with pytest.raises(Usage):
        recognised(["a"], {"shoe": "a"})
    with pytest.raises(Usage):
        recognised(["a"], {"family": "c"})
    with pytest.raises(Usage):
        recognised(["a"], {"family": "a", "given": "a"})


def test_a_table_that_does_not_say_who_its_rows_are_is_refused() -> None:
    """One recognised column is not enough to tell people apart."""
    with pytest.raises(Usage) as refused:
        read_people("id,surname,colour\n1,Haas,red\n", {}, "t.csv")
    assert refused.value.code == "E297"


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("19081209", "19081209"),
        ("1961-04-17", "19610417"),
        ("04/17/1961", "19610417"),
        ("17/04/1961", "19610417"),
        ("17.04.1961", "19610417"),
        ("17 Apr 1961", "19610417"),
        ("1961-4-7", "19610407"),
    ],
)
def test_dates_as_people_write_them(written: str, plain: str) -> None:
    """The usual forms are one date."""
    assert date(written) == plain


@pytest.mark.parametrize(
    ("column", "plain"),
    [
        (["03/04/1961", "25/12/1970", "x"], ["19610403", "19701225", ""]),
        (["03/04/1961", "12/25/1970", "25/12/1970"], ["19610304", "19701225", "19701225"]),
        (["03.04.1961", "05.06.1970"], ["19610403", "19700605"]),
        (["04/17/61", "03/04/70"], ["610417", "700304"]),
        (["61-04-17", "70-03-04"], ["610417", "700304"]),
        (["04171961", "03041970"], ["19610417", "19700304"]),
        (["17041961", "03041970"], ["19610417", "19700403"]),
        (["22388", "9132", "40000.0"], ["19610417", "19241231", "20090706"]),
        (["1961", "1970"], ["1961", "1970"]),
        (["17. März 1961", "1er août 1970", "2 de mayo de 1980"], ["19610317", "19700801", "19800502"]),
        (["17-APR-61", "Apr 7, 1961"], ["610417", "19610407"]),
        (["19611399", ""], ["19611399", ""]),
    ],
)
def test_a_column_has_one_order_of_day_and_month(column: list[str], plain: list[str]) -> None:
    """What can only be read one way tells how the rest is meant; no century is guessed; what is no date keeps its digits."""
    order = order_of(column)
    assert [date(value, order) for value in column] == plain


@pytest.mark.parametrize(
    "headers",
    [
        ["FirstName", "LastName", "DateOfBirth", "PostalCode"],
        ["PAT_FNAME", "PAT_LNAME", "PAT_DOB", "PAT_ZIP"],
        ["Patient First Name", "Patient Last Name", "Patient Date of Birth", "Patient ZIP Code"],
        ["patient.first_name", "patient.last_name", "D.O.B.", "patient.zip"],
        ["first_name_l", "surname_l", "dob_l", "postcode_l"],
        ["Vorname", "Nachname", "Geburtsdatum", "PLZ"],
        ["Vorname", "Name", "Geb.-Datum", "Postleitzahl"],
        ["prénom", "nom", "date de naissance", "code postal"],
        ["nombre", "apellidos", "fecha_nacimiento", "Código Postal"],
    ],
)
def test_headers_of_other_hands_and_languages(headers: list[str]) -> None:
    """Written together, with whose column it is, with the side of a join, in other languages, in any order: the same four fields."""
    assert recognised(headers, {}) == dict(zip(("given", "family", "birth", "zip"), headers, strict=True))
    assert recognised(["record", *headers[::-1], "weight"], {}) == recognised(headers, {})


def test_columns_of_others_are_not_the_persons() -> None:
    """A contact's, a mother's or a guarantor's name is nobody's who is looked for here."""
    assert recognised(["emergency_contact_phone", "mother_first_name", "guarantor_last_name", "hospital_name", "file_name"], {}) == {}


def test_titles_are_no_part_of_a_name_and_a_comma_turns_it() -> None:
    """`Dr. Anna Haas` and `Haas, Anna` are one name; somebody who is only called Miss keeps that."""
    found = read_people('Full Name,dob\nDr. Anna Haas,1961-04-17\n"Haas, Anna",1961-04-17\n"Haas, MD",\n', {}, "t")
    assert found.columns["name"].written() == ["ANNA HAAS", "ANNA HAAS", "HAAS"]
    found = read_people("first,last\nMrs Anna,Haas\nMiss,Haas\n", {}, "t")
    assert found.columns["given"].written() == ["ANNA", "MISS"]


def test_a_whole_name_meets_its_parts_and_a_short_year_a_long_one() -> None:
    """Two tables that say the same in other columns are compared; nothing is put together where it need not be."""
    one = read_people('name,dob\n"Haas, Anna",04/17/61\nLiam Keller,12/25/70\n', {}, "one")
    other = read_people("first,last,dob\nAnna,Haas,1961-04-17\nLiam,Keller,1970-12-25\n", {}, "other")
    here, there = together(one, other)
    assert here.columns["name"].written() == there.columns["name"].written()
    assert here.columns["birth"].written() == there.columns["birth"].written() == ["610417", "701225"]
    again, same = together(other, other)
    assert again is same is other
    with pytest.raises(Usage) as refused:
        together(read_people("first,last\nA,B\n", {}, "x"), read_people("dob,zip\n1961-04-17,1\n", {}, "y"))
    assert refused.value.code == "E299"
    assert "given, family" in refused.value.why


@pytest.mark.parametrize(
    ("content", "code", "why"),
    [
        ("", "E297", "the file is empty"),
        ("Anna,Haas,1961-04-17\nLiam,Keller,1970-12-25\n", "E297", "none of the 3 columns"),
        ("first,last\n\n  \n", "E298", "behind the header nothing stands"),
        ('first,last\n"Anna,Haas\n' + "x" * 140_000, "E293", "field larger than field limit"),
    ],
)
def test_a_table_that_cannot_be_used_says_why_and_tells_no_person(content: str, code: str, why: str) -> None:
    """No header, no row, no end of a quote: an error with what is missing and what helps, without a value of the table."""
    with pytest.raises(Usage) as refused:
        read_people(content, {}, "t.csv")
    assert (refused.value.code, why in refused.value.why, bool(refused.value.help)) == (code, True, True)
    assert "Haas" not in f"{refused.value.what} {refused.value.why} {refused.value.help}"


def test_every_kind_of_column_has_levels() -> None:
    """A field in the table of columns can be compared."""
    assert set(kinds().values()) == set(LEVELS)


@pytest.mark.parametrize(
    ("kind", "one", "other", "level"),
    [
        ("name", "ELIZABETH", "LIZ", "close"),
        ("name", "MARTHA", "MARHTA", "close"),
        ("name", "ELENA", "E", "sound"),
        ("name", "ROBERT", "RUPERT", "fuzzy"),
        ("name", "KATHARINE", "CATHERINE", "fuzzy"),
        ("name", "GOMEZ", "GANZ", "sound"),
        ("name", "GOMEZ", "ADLER", "other"),
        ("date", "19610417", "19610418", "close"),
        ("date", "19610412", "19611204", "close"),
        ("date", "19610417", "19750417", "parts"),
        ("date", "19610417", "19841202", "other"),
        ("date", "1961", "19841202", "other"),
        ("code", "60601", "60602", "close"),
        ("code", "60601", "60613", "near"),
        ("code", "12", "13", "other"),
    ],
)
def test_the_level_of_two_values(kind: str, one: str, other: str, level: str) -> None:
    """What two values of a column say about each other, whichever stands first."""
    column = coded("x", kind, (one, other, one))
    left, right = np.array([0, 1, 0]), np.array([1, 0, 2])
    levels = compare_all({"x": column}, left, right).levels["x"]
    assert [LEVELS[kind][code] for code in levels] == [level, level, "exact"]


@pytest.mark.parametrize(
    "content",
    [
        "first name,surname,phone\nAnna,Haas,5551234567\nLiam,,\n\nOlga,Keller,555 123 4567\n",
        "first name,surname,phone\r\nAnna,Haas,5551234567\r\nLiam,,\r\n\r\nOlga,Keller,555 123 4567",
        " first name, surname, phone\nanna, haas, 5551234567\nLiam, n/a, \nOlga,Keller,(555) 123-4567\n",
        "first name;surname;phone\nAnna;Haas;5551234567;more\nLiam\nOlga;Keller;5551234567\n",
        "first name|surname|phone\nAnna|Haas|5551234567\nLiam|unknown|5555555555\nOlga|Keller|555.123.4567\n",
        "\n \nfirst name,surname,phone\nAnna,Haas,5551234567\nLiam,,\nOlga,Keller,5551234567\n   \n\n",
        "first name,surname,phone\rAnna,Haas,5551234567\rLiam,,\rOlga,Keller,5551234567\r",
    ],
)
def test_a_table_reads_the_same_with_and_without_quotes(content: str) -> None:
    """Whether the columns are read at once or, because of a quote or a row of another length, row by row: the same values."""
    quoted = content.replace("Liam", '"Liam"', 1)
    here, there = read_people(content, {}, "test"), read_people(quoted, {}, "test")
    assert {field: column.written() for field, column in here.columns.items()} == {
        "given": ["ANNA", "LIAM", "OLGA"],
        "family": ["HAAS", "", "KELLER"],
        "phone": ["5551234567", "", "5551234567"],
    }
    assert {field: column.written() for field, column in there.columns.items()} == {
        field: column.written() for field, column in here.columns.items()
    }


def test_rows_picked_by_chance_are_compared_like_any_others() -> None:
    """All with all in one call says what pair by pair says, in one table and between two."""
    rng = random.Random(6)
    rows = persons(60, 5)
    columns = table(rows + [smudged(row, rng) for row in rows]).columns
    for split in (None, 50):
        here, there = chance_rows(120, split, 2_000)
        chance = compare_chance(columns, here, there)
        whole = compare_all(columns, chance.left, chance.right)
        assert len(chance.left) in range(1_900, 2_100)
        assert len(set(zip(chance.left.tolist(), chance.right.tolist(), strict=True))) == len(chance.left)
        assert all((chance.levels[field] == whole.levels[field]).all() for field in columns)


def test_pairs_left_out_early_would_not_have_reached_the_bits() -> None:
    """The pairs for which no letter is compared are those that would be too weak after all; the others have the levels they would have."""
    rng = random.Random(8)
    rows = persons(150, 6)
    columns = table(rows + [smudged(row, rng) for row in rows]).columns
    left, right = block(columns, None)
    whole = compare_all(columns, left, right)
    fitted = estimate(columns, whole, compare_chance(columns, *chance_rows(300, None, 10_000)), 300 * 299 / 2)
    bits = score(columns, whole, fitted)[0]
    for least in (-21.0, 0.0, 12.0):
        early = reachable(columns, left, right, fitted, least)
        kept = np.flatnonzero(bits >= least)
        assert 0 < len(kept) < len(left)
        assert set(zip(left[kept].tolist(), right[kept].tolist(), strict=True)) == set(
            zip(early.left.tolist(), early.right.tolist(), strict=True)
        )
        assert all((whole.levels[field][kept] == early.levels[field]).all() for field in columns)
