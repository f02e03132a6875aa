"""Tables of persons without labels: typing errors are seen through, strangers stay strangers, headers say which column is what."""

from __future__ import annotations

import random

import numpy as np
import pytest

from trivet.data.identity.estimate import estimate, reachable, score
from trivet.data.identity.levels import LEVELS, compare_all, compare_chance
from trivet.data.identity.pairs import block, chance_rows
from trivet.data.identity.resolve import deduplicate, link_tables
from trivet.data.identity.table import People, coded, date, kinds, read_people, recognised
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
