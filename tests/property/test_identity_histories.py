"""Identity under random histories: one person each, exact undoing, no way back after a human's no, and the same again from the same."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import DamerauLevenshtein

from trivet.contracts.envelope import Receipt
from trivet.contracts.record import Record, Translation
from trivet.data.engines.sqlite import SQLiteStore
from trivet.data.identity import StoreLinker
from trivet.data.identity.ceiling import Met, Most, ceiling, worthwhile
from trivet.data.identity.compare import birth_level, compare
from trivet.data.identity.features import Features, Name, features
from trivet.data.identity.judge import GRADES, judge
from trivet.data.identity.keys import UNKNOWN, brief, contact_keys, keys
from trivet.data.identity.match import Finding, find
from trivet.data.identity.register import Register
from trivet.data.identity.stewardship import apply
from trivet.data.identity.weights import shipped
from trivet.kernel import jsontext
from trivet.kernel.digest import sha256
from trivet.kernel.errors import NotFound, Refused
from trivet.kernel.resources import listing, text

AT = "2026-03-01T08:00:00.000000Z"
TABLES = ("identity_record", "identity_block", "identity_term", "link", "link_event", "link_review", "link_apart")
SCHEMA = [
    text("trivet.data", "sql", "schema", name)
    for name in listing("trivet.data", "sql/schema", ".sql")
    if "identity" in text("trivet.data", "sql", "schema", name) or "link" in name
]

names = st.sampled_from(["Ramirez", "Ramires", "Okafor", "UNKNOWN", "Weiss"])
givens = st.sampled_from(["Elena", "Elana", "Marta", "BABY", "E"])
births = st.sampled_from(["1961-04-17", "1961-04-18", "1961-12-04", "1961-04-12", "1900-01-01", ""])
patients = st.builds(
    lambda family, given, born, sex, mrn, phone: {
        "resourceType": "Patient",
        "name": [{"family": family, "given": [given]}],
        **({"birthDate": born} if born else {}),
        "gender": sex,
        **({"identifier": [{"system": "urn:mrn", "value": mrn}]} if mrn else {}),
        **({"telecom": [{"system": "phone", "value": phone}]} if phone else {}),
    },
    names,
    givens,
    births,
    st.sampled_from(["female", "male"]),
    st.sampled_from(["", "1001", "1002"]),
    st.sampled_from(["", "312-555-0142"]),
)
subjects = st.integers(0, 5).map(lambda number: f"s{number}")
steps = st.one_of(
    st.tuples(st.just("take"), subjects, patients),
    st.tuples(st.just("said"), subjects, subjects),
    st.tuples(st.just("merge"), subjects, subjects),
    st.tuples(st.just("separate"), subjects, st.none()),
    st.tuples(st.just("unmerge"), st.integers(1, 12), st.none()),
    st.tuples(st.just("reject"), st.integers(1, 6), st.none()),
    st.tuples(st.just("confirm"), st.integers(1, 6), st.none()),
)
histories = st.lists(steps, min_size=1, max_size=14)


class Seal:
    """A keyed address for bytes."""

    def address(self, data: bytes) -> str:
        return sha256(b"test" + data)


class Home:
    """A store that lives through a history."""

    def __init__(self, folder: Path, name: str) -> None:
        self.store = SQLiteStore(folder / name, SCHEMA)
        self.linker = StoreLinker(self.store, Seal())
        self.seq = 0
        self.apart: list[tuple[str, str]] = []

    def step(self, kind: str, one: Any, other: Any) -> None:
        """One thing that happens."""
        self.seq += 1
        if kind == "take":
            self.take(one, other | {"id": one})
        elif kind == "said":
            self.take(
                one, {"resourceType": "Patient", "id": one, "link": [{"other": {"reference": f"Patient/{other}"}, "type": "replaces"}]}
            )
        else:
            target = f"Patient/{one}" if isinstance(one, str) else one
            self.decide(kind, target, f"Patient/{other}" if other else "")

    def take(self, name: str, resource: dict[str, Any]) -> None:
        """A receipt with one record."""
        receipt = Receipt(self.seq, f"feed-{name}", "fhir", "landed", "b", AT)
        self.store.write(lambda tx: self.linker.link(tx, receipt, Translation((Record(resource, ()),), ())))

    def decide(self, action: str, target: Any, other: str) -> None:
        """A human's decision; what is not there or decided already is refused and changes nothing."""
        said = jsontext.dumps({"action": action, "target": target, "other": other, "actor": "steward", "reason": "test"})
        try:
            self.store.write(lambda tx: apply(Register(tx), self.seq, AT, said))
        except (NotFound, Refused):
            return

    def digest(self) -> str:
        """Of all rows that say who is who now: records with their persons, keys and terms, standing links."""
        said = [
            self.store.read(sql)
            for sql in (
                "select * from identity_record order by id",
                "select * from identity_block order by key, record",
                "select * from identity_term order by field, term",
                "select subject, person from link where until_seq is null order by subject",
            )
        ]
        return sha256(repr(said).encode())

    def past(self, place: int) -> list[Any]:
        """Who stood with whom at a position."""
        sql = "select subject, person from link where known_seq <= ? and coalesce(until_seq, ?) > ? order by subject"
        return self.store.read(sql, (place, place + 1, place))

    def persons(self) -> dict[str, str]:
        """Everybody's person."""
        return dict(self.store.read("select subject, person from link where until_seq is null order by subject"))


def live(history: list[Any], name: str, folder: Path) -> Home:
    """A home that lived through a history."""
    home = Home(folder, name)
    for step in history:
        home.step(*step)
    return home


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_everybody_is_one_person_at_every_position(history: list[Any]) -> None:
    """Each record has exactly one person now; its past is without gap or overlap; the two places that say so agree."""
    with tempfile.TemporaryDirectory() as folder:
        home = live(history, "a", Path(folder))
        records = dict(home.store.read("select subject, person from identity_record order by subject"))
        assert records == home.persons()
        for subject in records:
            spans = home.store.read("select known_seq, until_seq from link where subject = ? order by id", (subject,))
            assert all(one[1] == other[0] for one, other in pairwise(spans))
            assert all(start <= end for start, end in spans[:-1])
            assert spans[-1][1] is None
        home.store.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_the_same_history_gives_the_same_tables(history: list[Any]) -> None:
    """Nothing but the receipts and decisions in their order decides what identity keeps."""
    with tempfile.TemporaryDirectory() as folder:
        one, other = live(history, "a", Path(folder)), live(history, "b", Path(folder))
        for table in TABLES:
            assert one.store.read(f"select * from {table} order by 1, 2") == other.store.read(f"select * from {table} order by 1, 2"), table
        one.store.close()
        other.store.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories, subjects, subjects)
def test_merge_and_unmerge_are_exact_inverses(history: list[Any], one: str, other: str) -> None:
    """After any history: a merge, undone, leaves what identity says of everybody byte for byte as it was; what stood before
    stands as of then, and what happened stays in the history."""
    with tempfile.TemporaryDirectory() as folder:
        home = live(history, "a", Path(folder))
        before, said, past, place = home.persons(), home.digest(), home.past(home.seq), home.seq
        last = home.store.read("select coalesce(max(id), 0) from link_event")[0][0]
        home.step("merge", one, other)
        event = home.store.read("select id from link_event where kind = 'merged' and id > ?", (last,))
        if event:
            assert home.persons() != before
            assert home.digest() != said
            home.step("unmerge", event[0][0], None)
            assert home.store.read("select count(*) from link_event where id >= ?", event[0]) == [(2,)]
        assert home.persons() == before
        assert home.digest() == said
        assert home.past(place) == past
        home.store.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories, subjects, st.lists(st.tuples(st.just("take"), subjects, patients), max_size=8))
def test_what_a_human_separated_the_machine_never_joins(history: list[Any], one: str, after: list[Any]) -> None:
    """Whatever arrives later: no pair that stands apart by a human's word is one person."""
    with tempfile.TemporaryDirectory() as folder:
        home = live([step for step in history if step[0] != "confirm"], "a", Path(folder))
        home.step("separate", one, None)
        for step in after:
            home.step(*step)
        persons = home.persons()
        for left, right in home.store.read("select one, two from link_apart"):
            assert persons[left] != persons[right]
        home.store.close()


@settings(max_examples=200, deadline=None)
@given(patients, patients)
def test_evidence_does_not_depend_on_who_is_asked_first(left: dict[str, Any], right: dict[str, Any]) -> None:
    """Comparing A with B says what comparing B with A says, bit for bit, and so does the grade; no score exceeds its ceiling."""
    weights = shipped()

    def terms(field: str, term: str) -> tuple[int, int]:
        return len(term), 1000

    def known(resource: dict[str, Any]) -> Features:
        return features(resource, 4)

    one, other = known(left), known(right)
    here, there = compare(one, other, weights, terms), compare(other, one, weights, terms)
    assert (here.levels, here.bits, here.score) == (there.levels, there.bits, there.score)
    verdict = judge(one, other, here, weights.prior(10), weights)
    assert ceiling(one, weights, 1000, here.score - 1e-9)(other), "a candidate could be dropped unseen"
    by = {
        "identifier": [] if set(one.persons).isdisjoint(other.persons) else [7],
        "member": [],
        "contact": [] if set(one.telephones).isdisjoint(other.telephones) else [7],
    }
    for seen in (brief(other), UNKNOWN):
        assert worthwhile(one, weights, 1000, here.score - 1e-9, Met({7: seen}, by, frozenset())) == [7], "left out at a glance"
    assert verdict == judge(other, one, there, weights.prior(10), weights)
    assert verdict.grade in GRADES


def some(*values: str, most: int = 2) -> st.SearchStrategy[tuple[str, ...]]:
    """A few of these."""
    return st.lists(st.sampled_from(values), max_size=most, unique=True).map(tuple)


known_names = st.builds(
    Name,
    st.sampled_from(["RAMIREZ", "RAMIRES", "RAMIREZ OKAFOR", "MC NEAL", "MCNEAL", "ELENA", ""]),
    st.sampled_from(["ELENA", "ELANA", "LIZ", "ELIZABETH", "E", "RAMIREZ", ""]),
    st.sampled_from(["", "M", "MARIA"]),
    st.sampled_from(["", "JR"]),
)
compared = st.builds(
    Features,
    st.lists(known_names.filter(lambda name: bool(name.family or name.given)), max_size=3, unique=True).map(tuple),
    st.sampled_from(["1961-04-17", "1961-04-18", "1961-12-04", "1971-04-17", "1962-05-18", "1961-05-01", "1961-04-30", "1961-17-04", ""]),
    st.sampled_from(["female", "male", ""]),
    some("urn:a|1001", "urn:a|100200", "urn:b|100201"),
    some("urn:m|7001", "urn:m|7002"),
    some("3125550142", "3125550143", "2065550142"),
    some("12 OAK ST|60601", "12 OAK ST|60602", "9 ELM RD|60601"),
    some("a@x.org", "b@x.org"),
    st.integers(0, 2),
    st.booleans(),
)


@settings(max_examples=400, deadline=None)
@given(compared, compared, some("3125550142", "12 OAK ST|60601", "a@x.org", most=3), some("telephone", "member", "mail", "identifier"))
def test_a_glance_leaves_out_nobody_whom_the_evidence_would_not(
    one: Features, other: Features, shared: tuple[str, ...], crowded: tuple[str, ...]
) -> None:
    """Seen by its brief alone, whatever it shares and whatever rule is crowded: a pair that says so many bits could say so many."""
    weights = shipped()
    evidence = compare(one, other, weights, lambda field, term: (len(term), 1000), shared)
    need = evidence.score - 1e-9
    rules, there = keys(one), keys(other)
    near = {key for value, key in contact_keys(one).items() if value not in shared}
    met = {rule: [7] for key, rule in rules.items() if key in there and rule not in crowded}
    by = {"identifier": met.get("identifier", []), "member": met.get("member", [])}
    by["contact"] = [7] if any(key in there and rules[key] not in crowded for key in near) else []
    seen = worthwhile(one, weights, 1000, need, Met({7: brief(other)}, by, frozenset(crowded)))
    assert seen == [7]
    assert ceiling(one, weights, 1000, need, shared)(other)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(patients, min_size=2, max_size=12), patients, st.integers(1, 4))
def test_no_candidate_is_dropped_unseen(known: list[dict[str, Any]], newcomer: dict[str, Any], most: int) -> None:
    """A limit on blocks either changes nothing, or is said and links nobody by score. So is what the cheap bound leaves out: nothing
    that the whole comparison of everybody under a key would not leave out."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder), "a")
        for number, resource in enumerate(known):
            home.seq += 1
            home.take(f"s{number}", resource | {"id": f"s{number}"})
        weights = shipped()
        fresh = features(newcomer, weights.names)

        def search(tx: Any) -> tuple[Finding, Finding]:
            register = Register(tx)
            for limited in (replace(weights, block=most), weights):
                for one in (None, register.find("Patient/s0")):
                    known = one and one[0]
                    assert find(register, fresh, limited, known, few=0) == find(register, fresh, limited, known, few=10**6)
            return find(register, fresh, replace(weights, block=most), None), find(register, fresh, weights, None)

        capped, whole = home.store.write(search)
        assert not whole.crowded
        if not capped.crowded:
            assert capped == whole
        else:
            assert all(match.rule == "same-identifier" for match in (capped.best, *capped.also) if match is not None)
            assert all(match.grade == "possible" for match in capped.doubts)
        home.store.close()


@settings(max_examples=300, deadline=None)
@given(st.dates(), st.one_of(st.dates(), st.integers(-400, 400), st.none()))
def test_the_level_of_two_birth_dates_is_what_their_characters_say(one: date, other: Any) -> None:
    """The short way to a level is the long one: exact, exchanged, one character or day away, two parts alike, or none of it."""
    if isinstance(other, int):
        other = date.fromordinal(max(1, min(date.max.toordinal(), one.toordinal() + other)))
    left = one.isoformat()
    right = f"{left[:4]}-{left[8:]}-{left[5:7]}" if other is None else other.isoformat()
    parts = list(zip((left[:4], left[5:7], left[8:]), (right[:4], right[5:7], right[8:]), strict=True))
    near = other is not None and abs((one - other).days) == 1
    if left == right:
        level = "exact"
    elif (left[:4], left[5:7], left[8:]) == (right[:4], right[8:], right[5:7]):
        level = "swapped"
    elif near or DamerauLevenshtein.distance(left, right) <= 1:
        level = "digit"
    else:
        level = "parts" if sum(a == b for a, b in parts) == 2 else "other"
    assert birth_level(left, right) == level
    born = Features((), right, "", (), (), (), (), (), 0, False)
    most = shipped().bits["birth"][level] + Most(born, shipped(), 1000).rest + Most(born, shipped(), 1000).apart
    by = {"identifier": [], "member": [], "contact": []}
    assert worthwhile(born._replace(birth=left), shipped(), 1000, most - 1e-9, Met({7: brief(born)}, by, frozenset())) == [7]
