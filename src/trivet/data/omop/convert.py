"""FHIR R4 records to rows of OMOP CDM 5.4: a pure function. In, records, a vocabulary, rules, a frame; out, rows, sources, an account.

One call takes the records of one person (or those of no person: practitioners, organisations, locations). Rows have keys made of resource
type and id, so the same records give the same rows; nothing of `Resource.identifier` goes into a key or a source value (f2o-020, f2o-021).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trivet.data.omop.account import Account
from trivet.data.omop.coding import Choice, choose
from trivet.data.omop.frame import Frame
from trivet.data.omop.model import cdm
from trivet.data.omop.paths import every, first
from trivet.data.omop.rules import PREFIX, Edge, Rules
from trivet.data.omop.values import Maker
from trivet.data.omop.visits import one_visit
from trivet.data.omop.vocabulary import Vocabulary

__all__ = ["SHARED", "Converted", "convert"]

SHARED = ("Location", "Organization", "Practitioner", "PractitionerRole")
Row = dict[str, Any]


@dataclass(slots=True)
class Converted:
    """`rows` by table; `sources` are (table, key, resource, person): what an external mapping table holds (f2o-023)."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    sources: list[tuple[str, int, str, str]] = field(default_factory=list)
    account: Account = field(default_factory=Account)

    def add(self, other: Converted) -> None:
        """Take another call's rows in."""
        for table, rows in other.rows.items():
            self.rows.setdefault(table, []).extend(rows)
        self.sources.extend(other.sources)
        self.account.add(other.account)


def convert(records: Iterable[Mapping[str, Any]], vocabulary: Vocabulary, rules: Rules, frame: Frame) -> Converted:
    """All rows of these records. Same records, vocabulary, rules and frame: same rows in the same order."""
    held = sorted(records, key=lambda record: (record["resourceType"], str(record.get("id", ""))))
    work = _Work(vocabulary, rules, frame)
    visits = work.visits(held)
    work.frame = replace(frame, visits=visits)
    held.sort(key=lambda record: visits.get(name := _name(record), name) != name)  # of one visit the encounter that leads comes first
    for record in held:
        work.take(record)
    return work.finish()


class _Work:
    def __init__(self, vocabulary: Vocabulary, rules: Rules, frame: Frame) -> None:
        self.vocabulary, self.rules, self.frame = vocabulary, rules, frame
        self.done = Converted()
        self.made: dict[tuple[str, Any], Row] = {}
        self.account = self.done.account

    def visits(self, records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
        """Encounters that tell of one visit, those that count (f2o-060) alone."""
        apart = frozenset(self.rules.setting("Encounter", "@apart").split())
        counted = [one for one in records if one["resourceType"] == "Encounter" and not self.excluded(one)]
        return one_visit(counted, apart, self.frame)

    def take(self, record: Mapping[str, Any]) -> None:
        """One record through every edge of its type."""
        kind = record["resourceType"]
        self.account.read[kind] += 1
        edges = self.rules.edges.get(kind)
        if not edges:
            if kind not in ("Medication",):
                self.account.excluded[kind, "f2o-080", "no table of the CDM is filled from it here"] += 1
            return
        against = self.excluded(record)
        if against:
            self.account.excluded[kind, *against] += 1
            return
        counted = sum(self.account.missing.values()) + sum(self.account.excluded.values())
        rows = sum(self.through(edge, record) for edge in edges)
        if not rows and counted == sum(self.account.missing.values()) + sum(self.account.excluded.values()):
            self.account.excluded[kind, "f2o-080", "nothing in it that a table of the CDM holds"] += 1

    def excluded(self, record: Mapping[str, Any]) -> tuple[str, str] | None:
        """Statement and reason, when a status, an intent or a modifier says that it is not to be told (f2o-060, f2o-063)."""
        kind = record["resourceType"]
        kept = self.rules.setting(kind, "@kept").split()
        for row in self.rules.excluded:
            if row["resource"] not in ("*", kind):
                continue
            values = {str(value) for value in every(record, row["path"])}
            if values and (row["values"] == "*" or (values & set(row["values"].split("|"))) - set(kept)):
                return row["statement"], row["reason"]
        return None

    def through(self, edge: Edge, record: Mapping[str, Any]) -> int:
        """Rows made of a record by one edge."""
        made = 0
        for part, item in _items(edge, record):
            if edge.needs and not _has(item, edge.needs):
                continue
            choices: Sequence[Choice | None] = [None]
            if edge.code:
                choices = choose(edge, item, self.vocabulary, self.rules, self.frame.resources)
                if not choices:
                    self.account.excluded[edge.resource, "f2o-033", "it has no code and no text of one"] += 1
            for number, choice in enumerate(choices):
                made += self.row(edge, item, record, choice, f"{part}#{number}" if number else part)
        return made

    def row(self, edge: Edge, item: Mapping[str, Any], record: Mapping[str, Any], choice: Choice | None, part: str) -> int:
        """One row, or a count of why there is none."""
        table = self.table_of(edge, choice, item)
        if not table:
            return 0
        maker = Maker(self.vocabulary, self.rules, self.frame, self.account, edge, table, item, record, choice, part)
        row = maker.routed(PREFIX[table]) if edge.route == "domain" else maker.plain()
        return self.keep(edge, table, row, record)

    def table_of(self, edge: Edge, choice: Choice | None, item: Mapping[str, Any]) -> str:
        """The table that the standard concept's domain decides (f2o-037); the edge's own for what has no standard concept."""
        if edge.route != "domain" or choice is None:
            if edge.route == "" and choice is not None and choice.standard is None and self.rules.setting(edge.edge, "@unmapped") == "drop":
                self.account.excluded[edge.resource, "f2o-032", "no standard concept"] += 1
                return ""
            return edge.table
        if choice.standard is None:
            if self.rules.setting(edge.edge, "@unmapped") == "drop":
                self.account.excluded[edge.resource, "f2o-032", "no standard concept"] += 1
                return ""
            return "measurement" if edge.table == "observation" and first(item, "valueQuantity.value") is not None else edge.table
        allowed = self.rules.setting(edge.edge, "@domains").split()
        if allowed and choice.standard.domain not in allowed:
            self.account.excluded[edge.resource, "f2o-037", "a standard concept of another domain"] += 1
            return ""
        if choice.standard.domain == "Note" and edge.resource == "DiagnosticReport":
            return ""
        return self.rules.domains.get(choice.standard.domain) or self.rules.domains["*"]

    def keep(self, edge: Edge, table: str, row: Row, record: Mapping[str, Any]) -> int:
        """Take a row that has all it must have (f2o-070); rows of one key become one."""
        shape = cdm()[table]
        key = row.get(shape.key or "person_id")
        held = self.made.get((table, key))
        for column in shape.columns if held is None else ():
            if column.required and row.get(column.name) is None:
                if column.name == "note_text":
                    self.account.excluded[edge.resource, "f2o-022", "free text may name the patient and is withheld"] += 1
                elif not (table == "location" and not any(row.values())):
                    self.account.missing[edge.resource, f"{table}.{column.name}"] += 1
                return 0
        if key is None:
            return 0
        if held is not None:
            if edge.resource == "Encounter":
                self.account.joined[table] += 1
            held.update({name: value for name, value in row.items() if held.get(name) in (None, 0) and value is not None})
        else:
            self.made[table, key] = row
            self.done.rows.setdefault(table, []).append(row)
            self.account.written[table] += 1
        resource = f"{record['resourceType']}/{record.get('id', '')}"
        self.done.sources.append((table, key, resource, str(row.get("person_id", ""))))
        return 1

    def finish(self) -> Converted:
        """Periods of observation, and references that lead nowhere (f2o-001)."""
        self.periods()
        if self.rules.setting("*", "@references") != "keep":
            self.check_references()
        return self.done

    def periods(self) -> None:
        """One period for each person, from the first visit's start to the last one's end."""
        spans: dict[int, list[Any]] = {}
        for visit in self.done.rows.get("visit_occurrence", []):
            span = spans.setdefault(visit["person_id"], [visit["visit_start_date"], visit["visit_end_date"]])
            span[0], span[1] = min(span[0], visit["visit_start_date"]), max(span[1], visit["visit_end_date"])
        kind = self.rules.setting("ObservationPeriod", "@type")
        algorithm = self.vocabulary.find("Type Concept", "OMOP4976955")
        for person, (start, end) in sorted(spans.items()):
            row = {
                "observation_period_id": person,
                "person_id": person,
                "observation_period_start_date": start,
                "observation_period_end_date": end,
                "period_type_concept_id": int(kind) if kind else algorithm.id if algorithm else 0,
            }
            self.done.rows.setdefault("observation_period", []).append(row)
            self.account.written["observation_period"] += 1

    def check_references(self) -> None:
        """A reference to a row that is not there becomes empty and is counted; a row about nobody is not written."""
        own = {
            name: {row[cdm()[name].key] for row in self.done.rows.get(name, [])} for name in ("person", "visit_occurrence", *SHARED_TABLES)
        }
        for name, held in own.items():
            held |= self.frame.shared.get(name, frozenset())
        for table, rows in self.done.rows.items():
            links = [column for column in cdm()[table].columns if column.refers_to in own and not column.key]
            gone: set[int] = set()
            for place, row in enumerate(rows):
                for column in links:
                    value = row.get(column.name)
                    if value is None or value in own[column.refers_to]:
                        continue
                    if column.name == "person_id":
                        gone.add(place)
                        self.account.excluded[table, "f2o-001", "its person has no row"] += 1
                        break
                    row[column.name] = None
                    self.account.dangling[f"{table}.{column.name}"] += 1
            if gone:
                self.account.written[table] -= len(gone)
                keys = {rows[place].get(cdm()[table].key or "person_id") for place in gone}
                self.done.sources = [one for one in self.done.sources if one[0] != table or one[1] not in keys]
                rows[:] = [row for place, row in enumerate(rows) if place not in gone]


def _name(record: Mapping[str, Any]) -> str:
    return f"{record['resourceType']}/{record.get('id', '')}"


SHARED_TABLES = ("provider", "care_site", "location")


def _items(edge: Edge, record: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The record itself, or one for each of its parts: what a part does not say of itself it has from the whole, its value excepted."""
    if not edge.each:
        yield "", record
        return
    whole = {name: value for name, value in record.items() if not name.startswith("value") and name not in (edge.each, "referenceRange")}
    parts = record.get(edge.each)
    for number, part in enumerate(parts if isinstance(parts, list) else []):
        if isinstance(part, Mapping):
            yield f"#{edge.each}/{number}", {**whole, **part}


def _has(item: Mapping[str, Any], needs: str) -> bool:
    """`value` is any value[x]; else a path."""
    if needs == "value":
        return any(name.startswith("value") and said not in (None, "", {}) for name, said in item.items())
    return first(item, needs) is not None
