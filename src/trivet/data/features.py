"""Feature rows: what was known of a person at an instant, from published views, each number with the facts behind it.

In: a view's name and cases (person, instant, ledger position). Out: `FeatureRow`s, by one SQL text for one person online and
for thousands offline. Only versions known at the case's position and events not later than its instant count. Refused:
nobody under that name (NotFound), an unknown view (NotFound). A value that is not there is never 0: it is an absence that says
what was looked for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from trivet.contracts.feature import Contribution, FeatureRow, FeatureValue
from trivet.data.definition import Feature, View, definition
from trivet.data.engines.duck import DuckEngine
from trivet.data.views import STATE, install, macros
from trivet.kernel.clock import instant as instant_text
from trivet.kernel.clock import parse_instant
from trivet.kernel.errors import NotFound, Usage

__all__ = ["FeatureViews", "Links", "Part", "Versions"]

Case = tuple[str, str, int]
PART = 200  # persons of one part of a large cohort, so that what is held at once stays bounded
FEW = 100  # persons whose slices are read one by one
WHY = {
    "unit": "the newest one is in a unit that cannot be compared",
    "comparator": "the newest one is only a bound",
    "text": "the newest one is not a number that can be read",
}


class Versions(Protocol):
    """Where record versions come from: all of one person or, with None, of everybody, known at a position."""

    def versions(self, person: str | None = None, as_of: int | None = None) -> Any: ...


class Links(Protocol):
    """Where a part of a large cohort comes from: every link that some persons ever had (subject, person, known_seq, until_seq), and
    the versions of some types of every record that ever was about some subjects, known at a position. Both as Arrow tables."""

    def history(self, persons: Sequence[str]) -> Any: ...

    def versions(self, subjects: Sequence[str], types: Sequence[str], as_of: int) -> Any: ...


class Part(NamedTuple):
    """Some cases of a cohort: their numbers in it, and the versions (of places too) and links that they are answered from."""

    numbers: list[int]
    cases: list[Case]
    versions: pa.Table
    links: pa.Table


class FeatureViews:
    """`contracts.ports.Features` over record versions. `places` gives the versions that speak of places, not of persons; `links`
    who was whom at each position (without it, a version's own person column counts at every position, and everybody is read at once)."""

    def __init__(self, shelf: Versions, places: Versions | None = None, links: Links | None = None) -> None:
        self._shelf, self._places, self._links = shelf, places, links
        self._lock = threading.Lock()
        self._desks: dict[str, _Desk] = {}

    def view(self, name: str) -> dict[str, Any]:
        """What a view holds: its features with meaning, unit, ranges, and its digest."""
        return definition(name).as_dict()

    def one(self, view: str, person: str, instant: str, as_of: int) -> FeatureRow:
        """One row. NotFound when nobody is known under that name at that position."""
        desk = self._desk(view)
        slice_ = self._shelf.versions(person, as_of)
        if not slice_.num_rows:
            raise _nobody([person])
        return desk.rows([(person, instant, as_of)], self._with_places(desk.view, slice_, as_of), _links_in(slice_))[0]

    def many(self, view: str, cohort: Sequence[Case]) -> list[FeatureRow]:
        """The same for many cases, in their order: a few persons by their slices, more of them some at a time, each part with its own
        persons' versions only. NotFound when one of them is not known."""
        desk = self._desk(view)
        if not cohort:
            return []
        last = max(as_of for _, _, as_of in cohort)
        persons = sorted({person for person, _, _ in cohort})
        if len(persons) <= FEW and len({as_of for _, _, as_of in cohort}) == 1:
            slices = pa.concat_tables([self._shelf.versions(one, last) for one in persons])
            return _answered(desk, cohort, self._with_places(desk.view, slices, last), _links_in(slices))
        if self._links is None:
            versions = self._shelf.versions(None, last)
            return _answered(desk, cohort, versions, _links_in(versions))
        made: dict[int, FeatureRow] = {}
        for part in self.parts(view, cohort):
            made.update(zip(part.numbers, self.part(view, part), strict=True))
        return [made[number] for number in range(len(cohort))]

    def parts(self, view: str, cohort: Sequence[Case]) -> Iterator[Part]:
        """A large cohort, some persons at a time, each part with all that `part` needs: what is held at once does not grow with the
        number of persons, here or in the house. Usage by whoever has more than one processor for them."""
        if self._links is None:
            raise Usage("E356", "a cohort is taken apart by its links", help="FeatureViews(shelf, places, links)")
        desk = self._desk(view)
        last = max((as_of for _, _, as_of in cohort), default=-1)
        numbers: dict[str, list[int]] = {person: [] for person in sorted({person for person, _, _ in cohort})}
        for number, (person, _, _) in enumerate(cohort):
            numbers[person].append(number)
        persons = list(numbers)
        for start in range(0, len(persons), PART):
            some = persons[start : start + PART]
            asked = [number for person in some for number in numbers[person]]
            theirs = self._links.history(some)
            own = self._links.versions(theirs["subject"].unique().to_pylist(), desk.view.types, last)
            yield Part(asked, [cohort[number] for number in asked], self._with_places(desk.view, own, last), theirs)

    def part(self, view: str, part: Part) -> list[FeatureRow]:
        """The rows of a part's cases, in their order, out of nothing but the part."""
        return _answered(self._desk(view), part.cases, part.versions, part.links)

    def close(self) -> None:
        """Give the engines back."""
        with self._lock:
            for desk in self._desks.values():
                desk.engine.close()
            self._desks.clear()

    def _desk(self, view: str) -> _Desk:
        with self._lock:
            if view not in self._desks:
                self._desks[view] = _Desk(definition(view))
            return self._desks[view]

    def _with_places(self, view: View, slice_: pa.Table, as_of: int) -> pa.Table:
        """A person's versions, and those of places where the view reads them."""
        if not view.places or self._places is None:
            return slice_
        return pa.concat_tables([slice_, self._places.versions(None, as_of)])


class _Desk:
    """One view on an engine of its own, its statements parsed and planned once; each step's rows are the next step's table."""

    def __init__(self, view: View) -> None:
        self.view, self.engine, self._lock = view, DuckEngine(threads=1), threading.Lock()
        self._empty: dict[str, pa.Table] = {}
        for name, empty in (("version_all", NO_VERSIONS), ("link_all", NO_LINKS), ("asked", NO_CASES), ("cohort", NO_CASES)):
            self.engine.slot(name, empty)
        macros(self.engine)
        for name, table in view.relations.items():
            self.engine.put(name, table)
        for name, statement in view.sql:
            self.engine.prepare(f"step_{name}", statement)
            self._empty[name] = self.engine.go(f"step_{name}")
            self.engine.slot(name, self._empty[name])
            if name == STATE:
                install(self.engine, state=False)

    def rows(self, cohort: Sequence[Case], versions: pa.Table, links: pa.Table) -> list[FeatureRow]:
        """The feature rows of these cases, in their order."""
        with self._lock:
            self.engine.fill("asked", _cases(cohort, [person for person, _, _ in cohort]))
            self.engine.fill("cohort", _cases(cohort, [f"case-{number}" for number in range(len(cohort))]))
            self.engine.fill("version_all", versions)
            self.engine.fill("link_all", links)
            for name, _ in self.view.sql:
                answer = self.engine.go(f"step_{name}")
                self.engine.fill(name, answer)
                if name == STATE:
                    self.engine.fill("version_all", NO_VERSIONS)
            for name, empty in self._empty.items():
                self.engine.fill(name, empty)
        return _assembled(self.view, cohort, answer)


def _answered(desk: _Desk, cohort: Sequence[Case], versions: pa.Table, links: pa.Table) -> list[FeatureRow]:
    """The rows of these cases, or NotFound when nobody ever was known under one of the names."""
    unknown = {person for person, _, _ in cohort} - set(links["person"].unique().to_pylist())
    if unknown:
        raise _nobody(sorted(unknown))
    return desk.rows(cohort, versions, links)


def _nobody(persons: Sequence[str]) -> NotFound:
    what = "nobody is known under that name" if len(persons) == 1 else f"{len(persons)} of these persons are not known"
    return NotFound("E333", what, where=persons[0], help="trivet query 'SELECT person FROM persons LIMIT 5'")


def _links_in(versions: pa.Table) -> pa.Table:
    """The links that a slice was made with: its own columns, at any position."""
    held = versions.select(["subject", "person"]).drop_null().group_by(["subject", "person"]).aggregate([])
    always = pa.array([-1] * held.num_rows, pa.int64())
    return pa.table([held["subject"], held["person"], always, pa.nulls(held.num_rows, pa.int64())], schema=NO_LINKS.schema)


def _cases(cohort: Sequence[Case], persons: Sequence[str]) -> pa.Table:
    moments = [parse_instant(at).replace(tzinfo=None) for _, at, _ in cohort]
    columns = [range(len(cohort)), persons, moments, [as_of for _, _, as_of in cohort]]
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, NO_CASES.schema, strict=True)], schema=NO_CASES.schema)


COLUMNS = ("key", "type", "id", "version", "subject", "person", "valid_at", "known_seq", "receipt", "source", "deleted", "body")
KINDS = {"deleted": pa.bool_()} | dict.fromkeys(("version", "known_seq", "receipt"), pa.int64())
NO_VERSIONS = pa.schema([(name, KINDS.get(name, pa.string())) for name in COLUMNS]).empty_table()
NO_LINKS = pa.schema(
    [("subject", pa.string()), ("person", pa.string()), ("known_seq", pa.int64()), ("until_seq", pa.int64())]
).empty_table()
NO_CASES = pa.schema(
    [("case_id", pa.int64()), ("person", pa.string()), ("instant", pa.timestamp("us")), ("as_of", pa.int64())]
).empty_table()


def _assembled(view: View, cohort: Sequence[Case], answer: pa.Table) -> list[FeatureRow]:
    held: dict[tuple[int, str], tuple[Any, ...]] = {}
    columns = (answer[name].to_pylist() for name in ("case_id", "feature", "value", "newest_at", "why", "facts"))
    for case, feature, value, newest_at, why, facts in zip(*columns, strict=True):
        held[case, feature] = (value, newest_at, why, facts)
    return [
        FeatureRow(person, at, as_of, view.name, view.digest, tuple(_value(one, held.get((case, one.name))) for one in view.features))
        for case, (person, at, as_of) in enumerate(cohort)
    ]


def _value(feature: Feature, found: tuple[Any, ...] | None) -> FeatureValue:
    """A value, or the absence that the definition words. Of something counted, nothing found is a 0 with its evidence."""
    if found is None:
        return FeatureValue(feature.name, 0.0 if feature.count else None, feature.unit, (), feature.absence)
    value, newest_at, why, facts = found
    made = tuple(Contribution(fact["record"], fact["version"], fact["path"]) for fact in facts or ())
    at = instant_text(newest_at.replace(tzinfo=UTC)) if newest_at is not None else ""
    absence = f"{feature.meaning}: {WHY[why]}" if why else feature.absence if not made else ""
    return FeatureValue(feature.name, None if why else value, feature.unit, made, absence, at)
