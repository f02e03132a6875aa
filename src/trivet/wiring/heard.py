"""What a home says about itself, indexed the way the truth of the sample hospital asks: check rows, notices, codes, repeats, links.

In: a home that lived through the hospital, and the folder with its truth. Out: `Evidence`. Persons are counted where they stand, some
thousand of the truth at a time; no record is read but those that a fault asks for, or that the house itself names.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from trivet.contracts.house import House
from trivet.kernel.resources import text

__all__ = ["CHECKS", "Doubt", "Evidence", "Fault", "asked", "identifiers", "listed"]

Fault = dict[str, Any]
Opened = dict[str, list[dict[str, Any]]]  # the rows that break a check, by its name
CHECKS = (
    "unit-mixed-up",
    "code-distribution",
    "unit-missing",
    "event-late",
    "message-order",
    "message-id-reused",
    "message-damaged",
    "feed-silent",
    "person-placeholder",
    "person-conflict",
    "identifiers-swapped",
    "charge-mismatch",
    "remit-unbalanced",
)
ABOUT_PERSONS = ("person-placeholder", "person-conflict", "identifiers-swapped")
PERSONS = 5_000  # persons of the truth that are read at a time
TRUTH = pa.schema([("source", pa.string()), ("value", pa.string()), ("person", pa.string())])


def _sql(name: str) -> str:
    return text("trivet.wiring", "sql", f"{name}.sql")


class Doubt(NamedTuple):
    """What was put before a human: `kind` is pair, conflict or crowded; `rule` says why."""

    kind: str
    rule: str
    subject: str
    other: str


class Evidence:
    """What the house says, indexed the way the truth asks."""

    def __init__(self, house: House, truth: Path, faults: list[Fault], opened: Opened | None = None) -> None:
        def rows(sql: str, *given: Any) -> list[tuple[Any, ...]]:
            return house.shelf.query(sql, parameters=given)[1]

        self.house = house
        checks: Any = house.checks
        self.checks: Opened = checks.opened(CHECKS) if opened is None else opened
        self.receipts_of = {name: {row["known_seq"] for row in held} for name, held in self.checks.items()}
        self.records_of = {name: {row["record"] for row in held} for name, held in self.checks.items()}
        places = [fault["where"] for fault in faults]
        self.headers: dict[tuple[str, str], set[int]] = defaultdict(set)
        controls = sorted({where["control_id"] for where in places if where.get("control_id")})
        for source, receipt, control in rows(_sql("scored_headers"), controls):
            self.headers[source, control].add(receipt)
        self.files: dict[tuple[str, str], set[int]] = defaultdict(set)
        self.again: set[int] = set()
        for receipt, source, origin, repeated in rows(_sql("told_deliveries"), sorted({where["filename"] for where in places})):
            self.files[source, origin].add(receipt)
            if repeated:
                self.again.add(receipt)
        self.notices: dict[str, set[int]] = defaultdict(set)
        of_faults = set().union(*(self.receipts(fault) for fault in faults)) if faults else set()
        for receipt, kind in rows(_sql("told_notices"), sorted(of_faults)):
            self.notices[kind].add(receipt)
        self.codes: set[tuple[str, str]] = {(system, code) for system, code in rows(_sql("told_codes"))}
        self.uncovered: set[tuple[str, str]] = {(source, place) for source, place in rows(_sql("told_uncovered"))}
        self.doubts: list[Doubt] = [Doubt(*row) for row in rows(_sql("told_reviews"))]
        self.reviewed = {name for doubt in self.doubts for name in (doubt.subject, doubt.other) if name}
        self.apart: set[frozenset[str]] = {frozenset(row) for row in rows(_sql("told_apart"))}
        self.identified(house, truth, faults)

    def identified(self, house: House, truth: Path, faults: list[Fault]) -> None:
        """Pairs of records, counted where they stand; of the records themselves, those that the faults ask for."""
        engine = house.role("query").prepared([_sql("scored_records")])
        try:
            engine.put("truth", identifiers(truth / "persons.ndjson"))
            engine.run(_sql("scored_records"))
            engine.run(_sql("scored_true"))
            [self.pairs] = engine.run(_sql("scored_identity")).to_pylist()
            named = [row["record"] for check in ABOUT_PERSONS for row in self.checks[check]]
            rows = engine.run(_sql("scored_asked"), (*asked(faults), sorted({*named, *self.reviewed})))
        finally:
            for table in ("scored_record", "scored_true"):
                engine.run(_sql("scored_forget").format(table=table))
            engine.put("truth", TRUTH.empty_table())
        self.found: dict[str, str] = {}
        self.source: dict[str, str] = {}
        self.by_value: dict[str, set[str]] = defaultdict(set)
        self.values: dict[str, set[str]] = defaultdict(set)
        self.records: dict[str, set[str]] = defaultdict(set)
        self.true: dict[str, str] = {}
        for record, source, person, value, true in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            self.found[record], self.source[record] = person, source
            self.by_value[value].add(record)
            self.values[record].add(value)
            if true is not None:
                self.records[true].add(record)
                self.true[record] = true

    @cached_property
    def sent(self) -> dict[tuple[str, str], int]:
        """Results by the code of their sender."""
        return {(system, code): count for system, code, count in self.house.shelf.query(_sql("told_sent"))[1]}

    def receipts(self, fault: Fault) -> set[int]:
        """The receipts in which a fault came."""
        where = fault["where"]
        named = self.headers.get((where["source"], where.get("control_id", "")), set())
        return named or self.files.get((where["source"], where["filename"]), set())

    def identity(self) -> dict[str, Any]:
        """Pairs of records that are of one person in truth, in the house, and in both."""
        records, true, said, wanted, given, right = self.pairs.values()
        return {
            "records": records,
            "persons_true": true,
            "persons_found": said,
            "pairs_true": wanted,
            "pairs_found": given,
            "precision": round(right / given, 6) if given else None,
            "recall": round(right / wanted, 6) if wanted else None,
            "in_review": len(self.apart),
        }

    def people(self, persons: Iterable[str]) -> set[str]:
        """The persons that the house has made of true ones."""
        return {self.found[record] for person in persons for record in self.records[person]}

    def holders(self, values: Iterable[str]) -> set[str]:
        """The persons of records that bear one of these identifiers."""
        return {self.found[record] for value in values for record in self.by_value[value]}


def asked(faults: list[Fault]) -> tuple[list[str], list[str]]:
    """The identifiers and the true persons by which planted faults are looked for."""
    values, persons = set[str](), set[str]()
    for fault in faults:
        detail = fault["detail"]
        for name in ("mrn", "mrn_right", "mrn_used", "practice_id"):
            values |= {str(value) for value in listed(detail.get(name))}
        persons |= {fault["person"]} if fault["kind"] in ("surname_changed", "wrong_birth_date") else set(detail.get("persons", ()))
    return sorted(values), sorted(persons)


def identifiers(path: Path) -> pa.Table:
    """The identifiers of every person in truth, some thousand persons at a time."""
    batches = []
    with path.open(encoding="utf-8") as file:
        while lines := list(islice(file, PERSONS)):
            said = [(one["source"], one["value"], line["person"]) for line in map(json.loads, lines) for one in line["identifiers"]]
            batches.append(pa.record_batch([pa.array(column, pa.string()) for column in zip(*said, strict=True)], schema=TRUTH))
    return pa.Table.from_batches(batches, TRUTH)


def listed(value: Any) -> list[Any]:
    """A list, whatever was said once or not at all."""
    return value if isinstance(value, list) else [] if value is None else [value]
