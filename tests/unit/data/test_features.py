"""Feature views: the right numbers with the right facts, recorded absences, and one and many the same to the bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from hospital_rows import (
    Shelf,
    appointment,
    at,
    bed,
    condition,
    counted,
    coverage,
    encounter,
    measured,
    medicine,
    patient,
    payer_said,
    place,
)
from record_rows import versions
from trivet.contracts.feature import FeatureRow, FeatureValue
from trivet.data.definition import definition, names
from trivet.data.features import FeatureViews
from trivet.kernel.errors import NotFound
from trivet.kernel.ieee754 import bits_of

Rows = list[dict[str, Any]]
NOW, LATER = at(100), 10_000


class Ours:
    """Feature views over changing rows: statements are planned once for the whole module."""

    def __init__(self) -> None:
        self.table = versions()
        self.views = FeatureViews(self, self.Places(self))

    class Places:
        """What speaks of no person."""

        def __init__(self, ours: Ours) -> None:
            self.ours = ours

        def versions(self, person: str | None = None, as_of: int | None = None) -> pa.Table:
            table = self.ours.versions(None, as_of)
            return table.filter(pc.is_null(table["person"]))

    def versions(self, person: str | None = None, as_of: int | None = None) -> pa.Table:
        """As the shelf does."""
        return Shelf(self.table).versions(person, as_of)

    def row(self, view: str, rows: Rows, instant: str = NOW, as_of: int = LATER) -> FeatureRow:
        """One person's row over these records; it must be the same when it is made for many."""
        self.table = versions(*rows)
        one = self.views.one(view, "p-1", instant, as_of)
        many = self.views.many(view, [("p-1", instant, as_of), ("p-1", at(1), 0)])[0]
        assert one == many
        return one

    def __call__(self, view: str, rows: Rows, **more: Any) -> dict[str, FeatureValue]:
        """The same by name."""
        return {value.name: value for value in self.row(view, rows, **more).values}


@pytest.fixture(scope="module")
def ours() -> Iterator[Ours]:
    """Planned statements, shared."""
    made = Ours()
    yield made
    made.views.close()


def full() -> Rows:
    """A patient at discharge, with something for every feature of both views."""
    return [
        patient(1), patient(2, ident="b"), patient(3, birth="1950-06-16", ident="c"),
        encounter("old", "IMP", at(-100), 4, end=at(-95)), encounter("older", "IMP", at(-500), 4, end=at(-495)),
        encounter("ed1", "EMER", at(10), 5, end=at(10, 16)), encounter("ed2", "EMER", at(60), 5, end=at(60, 15)),
        encounter("now", "EMER", at(94, 6), 6), encounter("now", "IMP", at(94, 12), 7, number=2, where="Location/bed-3"),
        encounter("ehr", "IMP", at(94, 12, 5), 8),
        bed("b1", "Location/w1", at(94, 12), 9), bed("b2", "Location/w2", at(96), 9),
        place("bed-3", "3", 1, "Location/room"), place("room", "4W03", 1, "Location/ward"), place("ward", "4W", 1),
        place("staffed", "4W", 1), place("other", "5E", 1), place("w1", "5E", 1), place("w2", "4W", 1),
        counted("c1", "Location/staffed", {"beds-open": 28, "beds-taken": 21, "nurses-required": 6, "nurses-present": 5}, at(99), 20),
        counted("c2", "Location/other", {"beds-open": 26, "beds-taken": 26, "nurses-required": 5, "nurses-present": 1}, at(99), 20),
        condition("d1", "I50.9", at(-700), 11), condition("d2", "E11.22", at(-300), 11), condition("d3", "E11.9", at(-900), 11),
        condition("d4", "363406005", at(20), 11, system="http://snomed.info/sct"), condition("d5", "I10", at(20), 11),
        medicine("m1", "314076", at(50), 12), medicine("m2", "314076", at(60), 12), medicine("m3", "197361", at(60), 12),
        medicine("m4", "999", at(60), 12, status="stopped"),
        coverage("v0", "SP", 12), coverage("v1", "BL", 13),
        payer_said("e1", "4", "0.00", at(40), 14), payer_said("e2", "1", "1.10", at(50), 14),
        payer_said("e3", "1", "2.20", at(55), 14), payer_said("e4", "4", "0.00", at(-400), 14),
        appointment("a1", "noshow", at(30), 15), appointment("a2", "fulfilled", at(40), 15), appointment("a3", "noshow", at(-280), 15),
        measured("hb1", "718-7", 9.1, "g/dL", at(95), 30), measured("hb2", "718-7", 8.4, "g/dL", at(99), 31),
        measured("na", "2951-2", 133, "mmol/L", at(99), 31), measured("k", "2823-3", 4.4, "mmol/L", at(99), 31),
        measured("cr", "2160-0", 133, "umol/L", at(99), 31, canonical=(1.504, "mg/dL")),
        measured("rr1", "9279-1", 16, "/min", at(99, 20), 32), measured("rr2", "9279-1", 22, "/min", at(100, 4), 33),
        measured("sat", "59408-5", 94, "%", at(100, 4), 33), measured("o2", "3151-8", 2, "L/min", at(100, 4), 33),
        measured("t", "8310-5", 100.4, "[degF]", at(100, 4), 33, canonical=(38, "Cel")),
        measured("bp", "8480-6", 104, "mm[Hg]", at(100, 4), 33), measured("hr", "8867-4", 101, "/min", at(100, 4), 33),
        measured("acvpu", "67775-7", 0, "", at(100, 4), 33, extra={"valueQuantity": None, "valueCodeableConcept":
            {"coding": [{"system": "urn:avpu", "code": "V"}]}}),
    ]  # fmt: skip


def test_a_whole_readmission_row(ours: Ours) -> None:
    """Every number by hand: three sides of one stay."""
    got = ours("readmission", full())
    expected = {
        "age": 75, "female": 1, "los_days": 6.0, "acute": 1, "comorbidity": 6, "heart_failure": 1, "chronic_lung": 0, "renal": 0,
        "cancer": 1, "dementia": 0, "ed_visits_6m": 2, "stays_12m": 1, "medicines": 2, "haemoglobin": 8.4, "sodium": 133, "potassium": 4.4,
        "creatinine": 1.504, "urea_nitrogen": None, "albumin": None, "crp": None, "resp_rate": 22, "pulse": 101, "spo2": 94,
        "ward_moves": 1, "ward_occupancy": 0.75, "ward_nurses": 5 / 6, "self_pay": 0, "refused_claims_12m": 1, "patient_share_12m": 3.3,
            "missed_appointments_12m": 1,
    }  # fmt: skip
    assert {name: value.value for name, value in got.items()} == expected


def test_every_value_has_its_facts_or_says_what_was_looked_for(ours: Ours) -> None:
    """No number without records behind it, except a counted 0, and that says what was looked for."""
    for view in names():
        for value in ours(view, full()).values():
            assert value.contributions or value.absence, value.name
            if value.value is None or (value.value == 0 and not value.contributions):
                assert value.absence


def test_facts_name_version_and_element(ours: Ours) -> None:
    """A value leads to the element of the record version that was read."""
    got = ours("readmission", full())
    assert got["haemoglobin"].contributions == (("Observation/p-1-hb2", 1, "valueQuantity.value"),)
    assert got["los_days"].contributions == (("Encounter/p-1-now", 2, "period.start"),)
    assert ("Encounter/p-1-now", 2, "type[0].coding[0].code") in got["acute"].contributions
    assert got["patient_share_12m"].contributions[1] == ("ExplanationOfBenefit/p-1-e2", 1, "total[1].amount.value")
    assert {fact.record for fact in got["comorbidity"].contributions} == {f"Condition/p-1-d{n}" for n in (1, 2, 3, 4)}
    assert [fact.path for fact in got["ward_occupancy"].contributions] == ["component[1].valueInteger", "component[0].valueInteger"]
    assert got["haemoglobin"].newest_at == at(99)


def test_a_whole_deterioration_row(ours: Ours) -> None:
    """Vital signs, their movement, Fahrenheit turned into Celsius, a flow turned into yes or no, a letter into a grade."""
    got = {name: value.value for name, value in ours("deterioration", full()).items()}
    assert got == {
        "age": 75, "female": 1, "resp_rate": 22, "spo2": 94, "oxygen": 1, "temperature": 38, "systolic": 104, "pulse": 101,
        "consciousness": 2, "hypercapnic": None, "lactate": None, "creatinine": 1.504, "leukocytes": None, "resp_rate_change": 6,
        "spo2_change": None, "systolic_change": None, "pulse_change": None,
    }  # fmt: skip


BOUND = {"value": 8.1, "comparator": "<", "system": "http://unitsofmeasure.org", "code": "g/dL"}
UNUSABLE: list[tuple[dict[str, Any], str]] = [
    ({"value": 8.1, "unit": "mmol/L"}, "unit"),
    ({"value": 8.1, "unit": "g/dL", "extra": {"valueQuantity": BOUND}}, "bound"),
    ({"value": 8.1, "unit": "g/dL", "extra": {"valueQuantity": None, "valueString": "haemolysed"}}, "number"),
]


@pytest.mark.parametrize(("spoiled", "says"), UNUSABLE)
def test_an_unusable_newest_value_is_an_absence_and_not_the_older_value(ours: Ours, spoiled: dict[str, Any], says: str) -> None:
    """In a unit that cannot be compared, only a bound, a word: the older value does not stand in for it, and the fact is named."""
    rows = [*full(), measured("hb3", "718-7", when=at(99, 20), known=40, **spoiled)]
    value = ours("readmission", rows)["haemoglobin"]
    assert value.value is None
    assert says in value.absence
    assert value.contributions[0].record == "Observation/p-1-hb3"


def test_old_readings_do_not_speak_of_now(ours: Ours) -> None:
    """A vital sign of the day before yesterday is an absence, and what was looked for is said."""
    got = ours("deterioration", full(), instant=at(102, 12))
    assert got["resp_rate"].value is None
    assert "24 hours" in got["resp_rate"].absence


def test_a_reading_taken_back_or_in_error_is_not_used(ours: Ours) -> None:
    """Deleted versions and errors fall away; the one before speaks again."""
    rows = full()
    gone = measured("hb2", "718-7", 8.4, "g/dL", at(99), 50, number=2, deleted=True)
    assert ours("readmission", [*rows, gone])["haemoglobin"].value == 9.1
    wrong = measured("hb2", "718-7", 8.4, "g/dL", at(99), 50, number=2, extra={"status": "entered-in-error"})
    assert ours("readmission", [*rows, wrong])["haemoglobin"].value == 9.1
    assert ours("readmission", [*rows, wrong], as_of=49)["haemoglobin"].value == 8.4


def test_a_correction_of_the_time_moves_the_reading(ours: Ours) -> None:
    """A newer version that says "last year" ends the older one, even though it is itself out of reach."""
    moved = measured("hb2", "718-7", 8.4, "g/dL", at(-300), 50, number=2)
    assert ours("readmission", [*full(), moved])["haemoglobin"].value == 9.1


def test_most_sources_decide_and_placeholders_have_no_vote(ours: Ours) -> None:
    """Two placeholder birth dates do not outvote one real one."""
    rows = [
        patient(1, birth="1900-01-01"),
        patient(2, birth="1900-01-01", ident="b"),
        patient(3, birth="1980-02-29", ident="c", gender="unknown"),
    ]
    got = ours("deterioration", rows)
    assert got["age"].value == 46
    assert ours("deterioration", rows, instant="2026-02-28T23:59:59Z")["age"].value == 45
    assert got["female"].value == 1
    none = ours("deterioration", rows[:2])["age"]
    assert (none.value, none.absence) == (None, "no birth date but placeholders in any source")


def test_without_anything_there_are_zeros_for_counts_and_absences_for_the_rest(ours: Ours) -> None:
    """Nothing known: nothing invented."""
    got = ours("readmission", [patient(1, birth="1900-01-01", gender="unknown")])
    for feature in definition("readmission").features:
        assert got[feature.name].value == (0.0 if feature.count else None)
        assert got[feature.name].absence == feature.absence


def test_nobody_under_that_name(ours: Ours) -> None:
    """A person who is not known is not an empty row."""
    ours.table = versions(*full())
    with pytest.raises(NotFound):
        ours.views.one("readmission", "p-2", NOW, LATER)
    with pytest.raises(NotFound):
        ours.views.one("readmission", "p-1", NOW, 0)
    with pytest.raises(NotFound):
        ours.views.many("readmission", [("p-1", NOW, LATER), ("p-2", NOW, LATER)])
    with pytest.raises(NotFound):
        ours.views.one("nothing", "p-1", NOW, LATER)


def test_people_do_not_mix(ours: Ours) -> None:
    """Many persons at once: each row is the one that the person gets alone, bit for bit, each at its own instant and position."""
    rows = [
        *full(),
        patient(1, person="p-2", birth="1930-01-01"),
        encounter("x", "IMP", at(97), 3, person="p-2", urgency="C"),
        measured("hb", "718-7", 12.3, "g/dL", at(98), 30, person="p-2"),
    ]
    ours.table = versions(*rows)
    cohort = [("p-1", NOW, LATER), ("p-2", NOW, LATER), ("p-1", at(97), 31), ("p-2", at(98, 13), 29), ("p-2", at(98, 13), 30)]
    for view in names():
        many = ours.views.many(view, cohort)
        alone = [ours.views.one(view, *case) for case in cohort]
        assert many == alone
        for left, right in zip(many, alone, strict=True):
            assert [bits_of(value.value) for value in left.values if value.value is not None] == [
                bits_of(value.value) for value in right.values if value.value is not None
            ]
    by_name = [{value.name: value.value for value in row.values} for row in ours.views.many("readmission", cohort)]
    assert [row["haemoglobin"] for row in by_name] == [8.4, 12.3, 9.1, None, 12.3]
    assert [row["acute"] for row in by_name] == [1, 0, 1, 0, 0]


class LinkedBulk:
    """The same shelf for many persons at once."""

    def __init__(self, shelf: Linked) -> None:
        self.shelf, self.history = shelf, shelf.history

    def versions(self, subjects: list[str], types: tuple[str, ...], as_of: int) -> pa.Table:
        """Versions of every record that ever was about one of the subjects."""
        known = [row for row in self.shelf.rows if row["known_seq"] <= as_of and row["type"] in types]
        keys = {row["key"] for row in known if row["subject"] in subjects}
        return versions(*[row for row in known if row["key"] in keys])


class Linked:
    """A shelf whose links change: Patient/b was p-2 until position 20, and p-1 from then on."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.links = [("Patient/a", "p-1", 1, None), ("Patient/b", "p-2", 1, 20), ("Patient/b", "p-1", 20, None)]

    def history(self, persons: list[str]) -> pa.Table:
        """Every link that these persons ever had."""
        columns = list(zip(*[link for link in self.links if link[1] in persons], strict=True))
        kinds = (pa.string(), pa.string(), pa.int64(), pa.int64())
        names = ("subject", "person", "known_seq", "until_seq")
        return pa.table([pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)], names=list(names))

    def versions(self, person: str | None = None, as_of: int | None = None) -> pa.Table:
        """As the store does: all versions of every record that ever was about the person linked then."""
        last = 10**9 if as_of is None else as_of
        now = {subject: who for subject, who, since, until in self.links if since <= last and (until is None or until > last)}
        known = [{**row, "person": now.get(row["subject"])} for row in self.rows if row["known_seq"] <= last]
        keys = {row["key"] for row in known if row["person"] == person}
        return versions(*[row for row in known if person is None or row["key"] in keys])


def test_later_links_and_corrected_subjects_move_nothing_that_was(ours: Ours) -> None:
    """A case sees the links of its own position, alone and among many; a result taken from one patient and given to another follows."""
    about_a, about_b = {"subject": "Patient/a"}, {"subject": "Patient/b"}
    rows = [
        patient(1, ident="a", **about_a), patient(1, ident="b", birth="1990-01-01", gender="male", **about_b),
        measured("hb1", "718-7", 10.0, "g/dL", at(90), 2, **about_a), measured("hb2", "718-7", 8.0, "g/dL", at(95), 3, **about_b),
        measured("hb2", "718-7", 8.0, "g/dL", at(95), 30, number=2, **about_a),
        measured("na", "2951-2", 139, "mmol/L", at(95), 3, **about_b),
    ]  # fmt: skip
    shelf = Linked(rows)
    views = FeatureViews(shelf, None, LinkedBulk(shelf))
    cohort = [("p-1", NOW, 10), ("p-2", NOW, 10), ("p-1", NOW, 25), ("p-1", NOW, 40)]
    many = views.many("readmission", cohort)
    assert many == [views.one("readmission", *case) for case in cohort]
    got = [{value.name: value.value for value in row.values} for row in many]
    assert [row["haemoglobin"] for row in got] == [10.0, 8.0, 8.0, 8.0]
    assert [row["sodium"] for row in got] == [None, 139, 139, 139]
    assert many[3].values[13].contributions[0].version == 2
    with pytest.raises(NotFound):
        views.one("readmission", "p-2", NOW, 25)
    views.close()


def test_a_digest_stands_for_the_definition() -> None:
    """Two views, two digests, and they stay the same."""
    digests = {name: definition(name).digest for name in names()}
    definition.cache_clear()
    assert {name: definition(name).digest for name in names()} == digests
    assert len(set(digests.values())) == len(digests)
