"""What two de-identification suites share: values by place, and differences that are listed with their reason."""

from __future__ import annotations

import csv
import io
from collections import Counter
from fnmatch import fnmatchcase
from typing import Any

from trivet.contracts.suite import SuiteResult
from trivet.data.deid.tree import Node, read_tree
from trivet.kernel.resources import text
from trivet.wiring.deidentify import r4

__all__ = ["Differences", "values"]

Value = tuple[str, str]


def values(resource: dict[str, Any]) -> Counter[Value]:
    """Every value of a resource as (element of its type, value), with how often it stands there. Instants are compared as such."""
    found: Counter[Value] = Counter()

    def walk(node: Node) -> None:
        for child in node.children:
            if child.value is not None:
                held = str(child.value)
                zone = held[:-1] + "+00:00" if child.kind in ("dateTime", "instant") and held.endswith("Z") else held
                found[(f"{node.kind}.{child.word}", zone)] += 1
            walk(child)

    walk(read_tree(resource, r4()))
    return found


class Differences:
    """Holds one suite's target against what came out; a difference passes only where `maps/conformance/deid_differences.csv` names it."""

    def __init__(self, result: SuiteResult) -> None:
        self.result = result
        rows = csv.DictReader(io.StringIO(text("trivet.maps", "conformance", "deid_differences.csv")))
        self.rows = [row for row in rows if row["suite"] == result.suite]
        self.equal = self.total = self.listed = 0

    def hold(self, case: str, wanted: dict[str, Any], came: dict[str, Any]) -> None:
        """One FHIR resource."""
        self.compare(case, values(wanted), values(came))

    def compare(self, case: str, want: Counter[Value], have: Counter[Value]) -> None:
        """One case: what should stand there and what does, by place."""
        self.equal += sum((want & have).values())
        self.total += sum(want.values())
        odd = []
        for side, gone in (("missing", want - have), ("more", have - want)):
            for (place, _), count in gone.items():
                if self.reason(case, place, side):
                    self.listed += count
                else:
                    odd.append(f"{side} {place}")
        if odd:
            self.result.failed[case] = ", ".join(sorted(set(odd))[:8])
        else:
            self.result.passed.append(case)

    def reason(self, case: str, place: str, side: str) -> str:
        """Why a difference is right; empty when nobody said."""
        for row in self.rows:
            if fnmatchcase(case, row["case"]) and fnmatchcase(place, row["place"]) and row["side"] in (side, "both"):
                return row["reason"]
        return ""

    def finish(self) -> SuiteResult:
        """The sums."""
        self.result.measures.update(values=self.total, equal=self.equal, differences_listed=self.listed)
        return self.result
