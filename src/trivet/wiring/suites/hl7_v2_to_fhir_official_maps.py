"""Suite hl7-v2-to-fhir-official-maps: every row that HL7 publishes is implemented, overridden with our reason, or not done with its reason.

`maps/hl7v2/published.csv` is the account: one line per published row, named by facts (map, source, target) and answered in our words.
`run` reads the published files and holds the account against them, both ways; `unsound` holds it against our own tables: an answer
that says "implemented" names a row, a table or a transform that is there.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from trivet.contracts.suite import SuiteResult
from trivet.integration.formats.hl7v2.compile import SPECIAL
from trivet.integration.formats.hl7v2.convert import converter
from trivet.integration.formats.hl7v2.special import WHOLE
from trivet.integration.tables import table
from trivet.kernel.errors import Fault
from trivet.kernel.resources import listing

__all__ = ["Row", "account", "published", "run", "unsound"]

SUITE = "hl7-v2-to-fhir-official-maps"
STATES = ("implemented", "overridden", "not done")
_NAME = re.compile(r".*R4_ (.+?)(?: - .*)?\.csv")


class Row(NamedTuple):
    """One published row: `number` counts rows of the same map, source and target. `state` and `answer` are ours."""

    kind: str
    map: str
    source: str
    target: str
    number: int
    state: str = ""
    answer: str = ""

    @property
    def case(self) -> str:
        """What the row is called in a report."""
        tail = f" #{self.number}" if self.number > 1 else ""
        return " ".join(part for part in (self.kind, self.map, self.source, self.target) if part) + tail


@cache
def account() -> tuple[Row, ...]:
    """Our account, as `published.csv` has it."""
    columns = ("kind", "map", "source", "target", "number", "state", "answer")
    rows = table("hl7v2/published.csv", *columns)
    return tuple(
        Row(row["kind"], row["map"], row["source"], row["target"], int(row["number"]), row["state"], row["answer"]) for row in rows
    )


def _cells(path: Path) -> Iterator[list[str]]:
    """The rows of a published file, padded, without its headings."""
    with path.open(newline="", encoding="utf-8-sig") as lines:
        for number, row in enumerate(csv.reader(lines)):
            if number >= (1 if "Inventory" in path.name else 2):
                yield [cell.strip() for cell in row] + [""] * 20


def published(folder: Path) -> Iterator[Row]:
    """Every published row that states something: segment and message rows with a target, and the inventories."""
    for kind in ("segment", "message"):
        for path in sorted((folder / "mappings" / f"{kind}s").glob("*.csv")):
            found = _NAME.fullmatch(path.name)
            seen: Counter[tuple[str, str]] = Counter()
            for row in _cells(path):
                target = row[9] or (row[10] if kind == "message" else "")
                if found is not None and target:
                    seen[row[1], target] += 1
                    yield Row(kind, found[1], row[1], target, seen[row[1], target])
    for kind, name in (("data type", "Data Type"), ("code system", "Code System"), ("segment map", "Segment"), ("message map", "Message")):
        named: Counter[tuple[str, str]] = Counter()
        for row in _cells(folder / "mappings" / f"v2-to-FHIR Map Inventory - {name}.csv"):
            title, source = row[0].rpartition("R4: ")[2].strip(), row[1] if kind == "code system" else ""
            if title:
                named[title, source] += 1
                yield Row(kind, title, source, "", named[title, source])


def _stands(row: Row) -> bool:
    """Whether what an answer names is there."""
    answer = row.answer
    if answer == "messages.csv, column links":
        segment, head = row.source.partition("-")[0].rpartition(".")[2], re.split(r"\W", row.target)[0]
        return any(r["segment"] == segment and f"{head}" in r["links"] for r in table("hl7v2/messages.csv", "segment", "links"))
    if answer.startswith("messages.csv"):
        segment = answer.partition(": ")[2]
        return not segment or any(r["segment"] == segment for r in table("hl7v2/messages.csv", "segment"))
    if ".py: " in answer:
        name = answer.partition(": ")[2]
        return name in SPECIAL or name in WHOLE or name == "authority" or name == "code:" or converter(name, "") is not None
    folder, _, name = answer.partition("/")
    if folder in ("segments", "datatypes", "codes"):
        return f"{name}.csv" in listing("trivet.maps", f"hl7v2/{folder}", ".csv")
    source, _, number = name.partition("#")
    if f"{folder}.csv" not in listing("trivet.maps", "hl7v2/segments", ".csv"):
        return False
    sources = [r["source"] for r in table(f"hl7v2/segments/{folder}.csv", "source")]
    return sum(one.startswith(source) for one in sources) >= int(number or 1)


def unsound() -> list[str]:
    """What is wrong with the account by itself: a state nobody knows, an answer that is missing, or one that names nothing of ours."""
    wrong = []
    for row in account():
        try:
            if row.state not in STATES or not row.answer or (row.state == "implemented" and not _stands(row)):
                wrong.append(f"{row.case}: {row.state}: {row.answer}")
        except Fault as fault:
            wrong.append(f"{row.case}: {fault.what}")
    return wrong


def run(corpora: Path) -> SuiteResult:
    """The published rows against the account, both ways, and the account against our tables."""
    result = SuiteResult(SUITE)
    answers = {row[:5]: row for row in account()}
    for row in published(corpora / SUITE):
        answered = answers.pop(row[:5], None)
        if answered is None:
            result.failed[row.case] = "nobody has answered for it"
        else:
            result.passed.append(row.case)
    result.failed.update({row.case: "answered for, but not published" for row in answers.values()})
    result.failed.update({f"account: {line}": "the answer names nothing of ours" for line in unsound()})
    states: Counter[str] = Counter(f"{row.kind}: {row.state}" for row in account())
    result.measures["states"] = dict(sorted(states.items()))
    result.measures["not done"] = dict(Counter(row.answer for row in account() if row.state == "not done").most_common())
    return result
