"""What was planted against what was found: identity, codes, faults. In, a home that lived through the sample hospital, and the folder
with its truth; out, figures measured in this very home. A fault counts as found only where the house itself says so: in a check's rows,
a notice, a reject, a review, a repeated delivery. What it says and nobody planted is counted too.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from trivet.contracts.house import House
from trivet.kernel.resources import text

__all__ = ["measure"]

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
    "charge-mismatch",
    "remit-unbalanced",
)
ALARMS = {
    # check: kinds of planted faults that explain its rows
    "unit-mixed-up": ("unit_mixed_up",),
    "message-id-reused": ("control_id_reused",),
    "charge-mismatch": ("price_mismatch",),
    "remit-unbalanced": ("remit_unbalanced",),
    "message-damaged": ("truncated", "bad_date", "not_a_number"),
    "event-late": ("late", "out_of_order"),
}
Fault = dict[str, Any]
PERSONS = 5_000  # persons of the truth that are read at a time
TRUTH = pa.schema([("source", pa.string()), ("value", pa.string()), ("person", pa.string())])


def measure(house: House, truth: Path) -> dict[str, Any]:
    """Identity precision and recall over pairs of records, share of results under a standard code, faults found by kind."""
    faults = read(truth / "truth.ndjson")
    evidence = Evidence(house, truth, faults)
    return {"identity": evidence.identity(), "codes": codes(house), **found(evidence, faults)}


def read(path: Path) -> list[dict[str, Any]]:
    """The objects of an NDJSON file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _sql(name: str) -> str:
    return text("trivet.wiring", "sql", f"{name}.sql")


class Evidence:
    """What the house says, indexed the way the truth asks."""

    def __init__(self, house: House, truth: Path, faults: list[Fault]) -> None:
        def rows(sql: str, *given: Any) -> list[tuple[Any, ...]]:
            return house.shelf.query(sql, parameters=given)[1]

        checks: Any = house.checks
        self.checks: dict[str, list[dict[str, Any]]] = checks.opened(CHECKS)
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
        self.uncovered = {(source, place) for source, place in rows(_sql("told_uncovered"))}
        self.reviewed = {name for row in rows(_sql("told_reviews")) for name in row if name}
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
            rows = engine.run(_sql("scored_asked"), asked(faults))
        finally:
            for table in ("scored_record", "scored_true"):
                engine.run(_sql("scored_forget").format(table=table))
            engine.put("truth", TRUTH.empty_table())
        self.found: dict[str, str] = {}
        self.source: dict[str, str] = {}
        self.by_value: dict[str, set[str]] = defaultdict(set)
        self.records: dict[str, set[str]] = defaultdict(set)
        for record, source, person, value, true in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            self.found[record], self.source[record] = person, source
            self.by_value[value].add(record)
            if true is not None:
                self.records[true].add(record)

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
            values |= {str(value) for value in _list(detail.get(name))}
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


def codes(house: House) -> dict[str, Any]:
    """Results under a standard code of all results, by feed and in all."""
    rows = house.shelf.query(text("trivet.wiring", "sql", "scored_codes.sql"))[1]
    results, mapped = sum(row[1] for row in rows), sum(row[2] for row in rows)
    by_feed = {source: {"results": count, "mapped": standard} for source, count, standard in rows}
    return {"results": results, "mapped": mapped, "share": round(mapped / results, 6) if results else None, "by_feed": by_feed}


def found(evidence: Evidence, faults: list[Fault]) -> dict[str, Any]:
    """Faults by kind: planted, found, by what; rows of checks that no planted fault explains."""
    kinds: dict[str, dict[str, Any]] = {}
    explained: dict[str, set[int]] = defaultdict(set)
    for fault in faults:
        kind = kinds.setdefault(fault["kind"], {"planted": 0, "found": 0, "missed": []})
        kind["planted"] += 1
        explained[fault["kind"]] |= evidence.receipts(fault)
        if FINDERS[fault["kind"]](evidence, fault) if fault["kind"] in FINDERS else False:
            kind["found"] += 1
        else:
            kind["missed"].append(fault["id"])
    alarms = {}
    for check, causes in ALARMS.items():
        known = set().union(*(explained[cause] for cause in causes))
        alarms[check] = len(evidence.receipts_of[check] - known)
    planted, hit = sum(kind["planted"] for kind in kinds.values()), sum(kind["found"] for kind in kinds.values())
    share = round(hit / planted, 6) if planted else None
    return {"faults": {"planted": planted, "found": hit, "share": share, "by_kind": dict(sorted(kinds.items()))}, "false_alarms": alarms}


def rows_of(check: str) -> Callable[[Evidence, Fault], bool]:
    """Found where a check names the receipt."""
    return lambda evidence, fault: bool(evidence.receipts(fault) & evidence.receipts_of[check])


def noticed(kind: str) -> Callable[[Evidence, Fault], bool]:
    """Found where a notice names the receipt."""
    return lambda evidence, fault: bool(evidence.receipts(fault) & evidence.notices[kind])


def either(*finders: Callable[[Evidence, Fault], bool]) -> Callable[[Evidence, Fault], bool]:
    """Found in any of these ways."""
    return lambda evidence, fault: any(finder(evidence, fault) for finder in finders)


def repeated(evidence: Evidence, fault: Fault) -> bool:
    """The delivery was taken for what it is: a repeat of a receipt that is there already."""
    return bool(evidence.receipts(fault) & evidence.again)


def one_person_or_queued(evidence: Evidence, fault: Fault) -> bool:
    """Records under these numbers are one person, or wait for a human."""
    values = [str(value) for value in _list(fault["detail"].get("mrn"))]
    held = evidence.holders(values)
    return len(held) == 1 or any(pair <= held for pair in evidence.apart if len(pair) == 2)


def same_person(evidence: Evidence, fault: Fault) -> bool:
    """The record that changed its name stands with the person's other records."""
    changed = {record for record in evidence.by_value[str(fault["detail"]["mrn"])] if evidence.source[record] == fault["where"]["source"]}
    others = evidence.records[fault["person"]] - changed
    return bool(changed) and {evidence.found[record] for record in changed} <= {evidence.found[record] for record in others or changed}


def unmerged(evidence: Evidence, fault: Fault) -> bool:
    """These persons share no person in the house."""
    first, second = (evidence.people([person]) for person in fault["detail"]["persons"])
    return not first & second


def in_review(evidence: Evidence, fault: Fault) -> bool:
    """The patient of this receipt waits for a human, or stands with neither of the two."""
    detail = fault["detail"]
    right, used = evidence.by_value[str(detail["mrn_right"])], evidence.by_value[str(detail["mrn_used"])]
    return bool((right | used) & evidence.reviewed)


def linked_in_spite(evidence: Evidence, fault: Fault) -> bool:
    """The record is linked to its person or waits for a human, and the conflict of dates is in view."""
    records = evidence.by_value[str(fault["detail"]["practice_id"])]
    others = {evidence.found[record] for record in evidence.records[fault["person"]] - records}
    linked = bool({evidence.found[record] for record in records} & others)
    shown = bool(records & evidence.records_of["person-conflict"])
    return (linked and shown) or bool(records & evidence.reviewed) or (not others and bool(records))


def placeholder(evidence: Evidence, fault: Fault) -> bool:
    """One of the person's records is named by the check of placeholders."""
    records = {record for value in _list(fault["detail"].get("mrn")) for record in evidence.by_value[str(value)]}
    return bool(records & evidence.records_of["person-placeholder"])


def silent(evidence: Evidence, fault: Fault) -> bool:
    """The feed is named as silent."""
    return f"source/{fault['where']['source']}" in evidence.records_of["feed-silent"]


def wrong_map(evidence: Evidence, fault: Fault) -> bool:
    """The local code is named."""
    return any(f"code {fault['detail']['code']} " in row["why"] for row in evidence.checks["code-distribution"])


def segment(evidence: Evidence, fault: Fault) -> bool:
    """The segment's fields stand in the coverage, not interpreted."""
    return any(source == fault["where"]["source"] and place.startswith(fault["detail"]["segment"]) for source, place in evidence.uncovered)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


FINDERS: dict[str, Callable[[Evidence, Fault], bool]] = {
    "repeated": repeated,
    "late": rows_of("event-late"),
    "out_of_order": either(rows_of("message-order"), rows_of("event-late")),
    "control_id_reused": rows_of("message-id-reused"),
    "truncated": either(rows_of("message-damaged"), noticed("truncated")),
    "bad_date": either(rows_of("message-damaged"), noticed("doubtful-date")),
    "not_a_number": either(rows_of("message-damaged"), noticed("not-a-number")),
    "unit_missing": either(rows_of("unit-missing"), noticed("missing-unit")),
    "unit_mixed_up": rows_of("unit-mixed-up"),
    "code_unmapped": lambda evidence, fault: (fault["detail"]["system"], fault["detail"]["code"]) in evidence.codes,
    "mapping_error": wrong_map,
    "z_segment": segment,
    "duplicate_registration": one_person_or_queued,
    "surname_changed": same_person,
    "identifiers_swapped": in_review,
    "placeholder_birth_date": placeholder,
    "placeholder_name": placeholder,
    "wrong_birth_date": linked_in_spite,
    "twins": unmerged,
    "shared_contact": unmerged,
    "test_patient": lambda evidence, fault: any(row["why"].startswith("test patient") for row in evidence.checks["person-placeholder"]),
    "silent_feed": silent,
    "remit_unbalanced": rows_of("remit-unbalanced"),
    "price_mismatch": rows_of("charge-mismatch"),
}
