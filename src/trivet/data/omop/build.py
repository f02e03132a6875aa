"""Builds or refreshes an OMOP database: only persons whose records changed are converted again; the same again changes nothing.

In: persons with a digest of their records, a way to fetch them, records of no person, a target, what the last build left. Out: a report and
what the next build needs. A target that is not what the last build left is built anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from trivet.data.omop.arrows import arrow, embedded_tables
from trivet.data.omop.convert import Converted, convert
from trivet.data.omop.frame import Frame
from trivet.data.omop.model import VERSION, Table, cdm, vocabulary_tables
from trivet.data.omop.rules import Rules
from trivet.data.omop.values import ALLERGY
from trivet.data.omop.vocabulary import Vocabulary
from trivet.kernel.digest import digest

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["GUIDE", "Build", "Records", "State", "Target", "build", "coded_in"]

GUIDE = "HL7 FHIR to OMOP Implementation Guide 2.0.0-ballot"
CHUNK = 200  # persons converted at a time
PLACES = ("provider", "care_site", "location")
Resource = Mapping[str, Any]


class Target(Protocol):
    """`data.omop.targets`."""

    def last(self) -> str: ...
    def begin(self) -> None: ...
    def clear(self, tables: Sequence[str]) -> None: ...
    def remove(self, persons: Sequence[int]) -> None: ...
    def add(self, table: Table, rows: pa.Table) -> None: ...
    def commit(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Records:
    """What is to be built: `persons` is key -> digest of the records; `fetch` gives (key, records) of some; `shared`: of no person."""

    persons: Mapping[str, str]
    fetch: Callable[[Sequence[str]], Iterable[tuple[str, list[Resource]]]]
    shared: Sequence[Resource]
    frame: Frame


@dataclass(slots=True)
class State:
    """What a build leaves for the next: its run, what it rested on, digests of persons, places of their homes, the source of every row."""

    run: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    persons: dict[str, str] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    homes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    shared: str = ""
    sources: list[tuple[str, int, str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Build:
    """Who builds: the source's name for `cdm_source`, software version, digest of rules and code, the instant, names of conventions."""

    name: str
    holder: str
    software: str
    rules: str
    zone: str
    at: str
    conventions: tuple[str, ...] = ()


def build(
    records: Records, target: Target, vocabulary: Vocabulary, rules: Rules, said: Build, before: State
) -> tuple[dict[str, Any], State]:
    """The report, and the state after it. Nothing is written when the target already holds just this."""
    vocabulary.prepare(_always(rules))
    shared = _converted(records.shared, vocabulary, rules, records.frame)
    places = {name: frozenset(row[cdm()[name].key] for row in shared.rows.get(name, [])) for name in PLACES}
    frame = replace(records.frame, shared=places)
    inputs = {"vocabulary": vocabulary.release, "rules": said.rules, "software": said.software, "zone": said.zone}
    inputs["places"] = digest({name: sorted(keys) for name, keys in places.items()})
    run = digest({"inputs": inputs, "persons": dict(records.persons), "shared": _digest_of(shared)})
    whole = before.inputs != inputs or before.run == "" or target.last() != _reference(before.run)
    meta = _metadata(run, vocabulary, said)
    if not whole and run == before.run:
        return {"run": meta, "change": "none", "persons": {"all": len(records.persons), "converted": 0, "removed": 0}}, before
    changed = sorted(key for key, seen in records.persons.items() if whole or before.persons.get(key) != seen)
    left = sorted(before.persons.keys() - records.persons.keys())
    after = State(run, inputs, dict(records.persons), {}, {}, _digest_of(shared), list(shared.sources))
    if not whole:
        gone = {*changed, *left}
        after.keys = {key: number for key, number in before.keys.items() if key not in gone}
        after.homes = {key: rows for key, rows in before.homes.items() if key not in gone}
        kept = {str(number) for number in after.keys.values()}
        after.sources += [one for one in before.sources if one[3] in kept]
    target.begin()
    if whole:
        target.clear([name for name in cdm() if name not in ("cdm_source",)])
        _vocabulary(target, vocabulary)
    else:
        target.remove([before.keys[key] for key in {*changed, *left} if key in before.keys])
    account = shared.account
    for chunk in _chunks(changed):
        made = _chunk(records.fetch(chunk), vocabulary, rules, frame, after)
        account.add(made.account)
        after.sources += made.sources
        _add(target, made, leaving=("location",))
    _places(target, shared, after)
    target.clear(["cdm_source"])
    target.add(cdm()["cdm_source"], arrow(cdm()["cdm_source"], [_source_row(run, vocabulary, said)]))
    target.commit()
    numbers = {"all": len(records.persons), "converted": len(changed), "removed": len(left)}
    change = "whole" if whole else "part"
    return {
        "run": meta,
        "change": change,
        "persons": numbers,
        "account": account.as_dict(),
        "tables": _coverage(account.written, rules),
    }, after


def coded_in(records: Iterable[Any], rules: Rules) -> set[tuple[str, str]]:
    """(vocabulary, code) of every coding and unit in records, to be fetched at once."""
    from trivet.data.omop.coding import normal

    found: set[tuple[str, str]] = set()
    waiting = list(records)
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, Mapping):
            code, system = one.get("code"), one.get("system")
            if isinstance(code, str) and isinstance(system, str) and system in rules.systems:
                name = rules.systems[system]
                found.add((name, normal(name, code)))
            if isinstance(one.get("unit"), str):
                found.add(("UCUM", one["unit"]))
            waiting.extend(value for value in one.values() if isinstance(value, (list, Mapping)))
    return found


def _always(rules: Rules) -> set[tuple[str, str]]:
    """Codes that the tables themselves name."""
    listed = {target for codes in rules.codes.values() for target in codes.values()}
    return listed | {(row["vocabulary"], row["code"]) for row in rules.types} | {ALLERGY}


def _converted(records: Sequence[Resource], vocabulary: Vocabulary, rules: Rules, frame: Frame) -> Converted:
    vocabulary.prepare(coded_in(records, rules))
    return convert(records, vocabulary, rules, frame)


def _chunk(found: Iterable[tuple[str, list[Resource]]], vocabulary: Vocabulary, rules: Rules, frame: Frame, after: State) -> Converted:
    held = list(found)
    vocabulary.prepare(coded_in([records for _, records in held], rules))
    made = Converted()
    for key, records in held:
        one = convert(records, vocabulary, rules, frame)
        persons = {row["person_id"] for row in one.rows.get("person", [])}
        after.keys.update(dict.fromkeys([key], next(iter(persons))) if persons else {})
        if one.rows.get("location"):
            after.homes[key] = one.rows["location"]
        made.add(one)
    return made


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]


def _add(target: Target, made: Converted, leaving: Sequence[str] = ()) -> None:
    for name, rows in made.rows.items():
        if rows and name not in leaving:
            target.add(cdm()[name], arrow(cdm()[name], rows))


def _places(target: Target, shared: Converted, after: State) -> None:
    """Providers, care sites and locations, whole: they belong to nobody, and there are few."""
    target.clear(PLACES)
    locations = {row["location_id"]: row for row in shared.rows.get("location", [])}
    for rows in after.homes.values():
        locations.update({row["location_id"]: row for row in rows})
    _add(target, shared, leaving=("location",))
    if locations:
        ordered = [locations[key] for key in sorted(locations)]
        target.add(cdm()["location"], arrow(cdm()["location"], ordered))


def _vocabulary(target: Target, vocabulary: Vocabulary) -> None:
    tables = getattr(vocabulary, "tables", embedded_tables)
    for table, pieces in tables():
        for piece in pieces:
            target.add(table, piece)


def _digest_of(shared: Converted) -> str:
    return digest({name: [{key: str(value) for key, value in row.items()} for row in rows] for name, rows in sorted(shared.rows.items())})


def _reference(run: str) -> str:
    return f"trivet run {run}"


def _metadata(run: str, vocabulary: Vocabulary, said: Build) -> dict[str, Any]:
    """What every run records (f2o-040, f2o-102)."""
    return {
        "id": run,
        "cdm_version": VERSION,
        "vocabulary_release": vocabulary.release,
        "guide": GUIDE,
        "software": said.software,
        "rules": said.rules,
        "zone": said.zone,
        "conventions": list(said.conventions),
        "at": said.at,
    }


def _source_row(run: str, vocabulary: Vocabulary, said: Build) -> dict[str, Any]:
    day = date.fromisoformat(said.at[:10])
    return {
        "cdm_source_name": said.name,
        "cdm_source_abbreviation": said.name[:25],
        "cdm_holder": said.holder,
        "source_description": f"FHIR R4 records; {GUIDE}; software {said.software}; instants in {said.zone}",
        "cdm_etl_reference": _reference(run),
        "source_release_date": day,
        "cdm_release_date": day,
        "cdm_version": f"v{VERSION}",
        "cdm_version_concept_id": 756265,
        "vocabulary_version": vocabulary.release[:20],
    }


def _coverage(written: Mapping[str, int], rules: Rules) -> dict[str, list[str]]:
    """Which tables are filled, could be and are not, and are never filled here (f2o-122)."""
    filled = {edge.table for edges in rules.edges.values() for edge in edges} | {*rules.domains.values(), "observation_period"}
    ours = {"cdm_source", *(table.name for table in vocabulary_tables())}
    return {
        "filled": sorted(name for name, count in written.items() if count),
        "empty": sorted(name for name in filled if not written.get(name)),
        "never": sorted(name for name in cdm() if name not in filled | ours),
    }
