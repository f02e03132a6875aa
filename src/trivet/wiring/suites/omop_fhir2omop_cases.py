"""FHIR resources with the OMOP rows that another project expects.

A case passes when our rows are equal under the guide as it stands. A case that is equal only under that project's conventions
(`maps/omop/conventions/fhir2omop.csv`, each row with the statement it departs from) is an exception that cites those statements. The
rest fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from trivet.contracts.suite import SuiteResult
from trivet.data.omop.convert import SHARED, Converted, convert
from trivet.data.omop.frame import Frame
from trivet.data.omop.model import cdm
from trivet.data.omop.rules import Rules, read_rules, shipped_conventions
from trivet.data.omop.values import row_key
from trivet.data.omop.vocabulary import Concept, Vocabulary, embedded
from trivet.kernel.jsontext import loads

__all__ = ["run", "seed"]

SUITE = "omop-fhir2omop-cases"
CLINICAL = ("condition_occurrence", "measurement", "observation", "procedure_occurrence")
LISTED = re.compile(r"^INSERT INTO vocab\.(concept|concept_relationship) VALUES \((.*)\);$", re.M)
CELL = re.compile(r"'((?:[^']|'')*)'|(NULL)")


def seed(path: Path, vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary seed of the cases, laid over what is there."""
    concepts, relations = [], []
    for table, said in LISTED.findall(path.read_text(encoding="utf-8")):
        cells = ["" if null else text.replace("''", "'") for text, null in CELL.findall(said)]
        if table == "concept":
            number, name, domain, source, kind, standard, code, _, _, invalid = cells
            concepts.append(Concept(int(number), name, domain, source, kind, standard, code, invalid))
        elif not cells[5]:
            relations.append((int(cells[0]), int(cells[1]), cells[2]))
    vocabulary.add(concepts, relations)
    return vocabulary


def converted(records: list[dict[str, Any]], vocabulary: Vocabulary, rules: Rules) -> Converted:
    """Rows of a handful of records, those of no person first."""
    index = {f"{record['resourceType']}/{record.get('id', '')}": record for record in records}
    shared = convert([one for one in records if one["resourceType"] in SHARED], vocabulary, rules, Frame(resources=index))
    keys = {name: frozenset(row[cdm()[name].key] for row in shared.rows.get(name, [])) for name in ("provider", "care_site", "location")}
    frame = Frame(resources=index, shared=keys)
    shared.add(convert([one for one in records if one["resourceType"] not in SHARED], vocabulary, rules, frame))
    return shared


def differences(
    found: Converted, expected: Mapping[str, list[dict[str, Any]]], tables: set[str], records: list[dict[str, Any]]
) -> list[str]:
    """What is not equal, table by table. `ref:` names a resource, `id:` is any value that stays the same."""
    named: dict[str, set[int]] = {}
    for record in records:
        named.setdefault(record.get("id", ""), set()).add(row_key(f"{record['resourceType']}/{record.get('id', '')}"))
    bound: dict[str, Any] = {}
    wrong = []
    for table in sorted(tables):
        left = [dict(row) for row in found.rows.get(table, [])]
        for row in expected.get(table, []):
            said = {name: value for name, value in row.items() if not name.endswith("__name")}
            near = min(left, key=lambda mine: len(_unequal(table, mine, said, named, bound)), default=None)
            if near is None:
                wrong.append(f"{table}: no row")
                continue
            unlike = _unequal(table, near, said, named, bound)
            wrong += [f"{table}.{name}" for name in unlike]
            for name, value in said.items():
                if isinstance(value, str) and value.startswith("id:"):
                    bound.setdefault(value, near.get(name))
            left.remove(near)
        wrong += [f"{table}: one row more" for _ in left]
    return wrong


def _unequal(
    table: str, mine: Mapping[str, Any], said: Mapping[str, Any], named: Mapping[str, set[int]], bound: Mapping[str, Any]
) -> list[str]:
    key = cdm()[table].key
    wrong = []
    for name in cdm()[table].names:
        value, wanted = mine.get(name), said.get(name)
        if name == key and name not in said:
            continue
        if isinstance(wanted, str) and wanted.startswith("ref:"):
            equal = value in named.get(wanted[4:], set())
        elif isinstance(wanted, str) and wanted.startswith("id:"):
            equal = value is not None and bound.get(wanted, value) == value
        elif isinstance(value, date):
            equal = value.isoformat() == wanted
        else:
            equal = value == wanted or (isinstance(value, float) and wanted is not None and value == float(wanted))
        if not equal:
            wrong.append(name)
    return wrong


def cases(folder: Path) -> Iterator[tuple[str, list[dict[str, Any]], dict[str, Any], set[str]]]:
    """Name, records, expected rows and tables compared of every case."""
    for path in sorted(folder.glob("*--*.json")):
        held = loads(path.read_bytes())
        primary = path.stem.split("--")[1].replace("-", "_")
        tables = {primary} | {table for case in held["cases"] for table in case["omop"]}
        if tables & set(CLINICAL) and path.stem.split("--")[0] in ("condition", "observation", "diagnosticreport"):
            tables |= set(CLINICAL)
        for number, case in enumerate(held["cases"], 1):
            own = {(one["resourceType"], one.get("id")) for one in case["fhir"]}
            fixtures = [one for one in held.get("fixtures", []) if (one["resourceType"], one.get("id")) not in own]
            yield f"{path.stem}/{number}", fixtures + case["fhir"], case["omop"], tables


def run(corpora: Path) -> SuiteResult:
    """Every case under the guide, and where that differs, under the cases' own conventions."""
    folder = corpora / SUITE / "cases"
    overlay = shipped_conventions("fhir2omop")
    vocabulary = seed(folder / "_vocab_seed.sql", embedded())
    guide, theirs = read_rules(), read_rules([("conventions/fhir2omop.csv", overlay)])
    result = SuiteResult(SUITE)
    cited: dict[str, int] = {}
    for name, records, expected, tables in cases(folder):
        unlike = differences(converted(records, vocabulary, guide), expected, tables, records)
        if not unlike:
            result.passed.append(name)
            continue
        rest = differences(converted(records, vocabulary, theirs), expected, tables, records)
        if rest:
            result.failed[name] = "; ".join(rest)
            continue
        needed = _needed(overlay, records, expected, tables, vocabulary)
        for row in needed:
            cited[row["statement"]] = cited.get(row["statement"], 0) + 1
        reasons = "; ".join(dict.fromkeys(f"{row['statement']} {row['edge']}.{row['target']}: {row['why']}" for row in needed))
        result.excluded[name] = f"{', '.join(dict.fromkeys(unlike))} by {reasons}"
    result.measures = {
        "equal under the guide": len(result.passed),
        "equal under the conventions of the cases": len(result.passed) + len(result.excluded),
        "statements cited": dict(sorted(cited.items())),
    }
    return result


def _needed(
    overlay: list[dict[str, str]], records: list[dict[str, Any]], expected: dict[str, Any], tables: set[str], vocabulary: Vocabulary
) -> list[dict[str, str]]:
    """The conventions without which a case would not be equal."""
    kinds = {record["resourceType"] for record in records} | {"*", "ObservationPeriod"}
    mine = [row for row in overlay if row["edge"].partition(".")[0] in kinds]
    needed = list(mine)
    for row in mine:
        without = [one for one in needed if one is not row]
        if not differences(converted(records, vocabulary, read_rules([("conventions", without)])), expected, tables, records):
            needed = without
    return needed
