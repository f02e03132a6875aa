"""What was planted against what was found: identity, codes, faults. In, a home that lived through the sample hospital, and the folder
with its truth; out, figures measured in this very home. A fault counts as found only where the house itself says so: in a check's rows,
a notice, a reject, a review, a repeated delivery (`heard.py`, `finders.py`). What is not found is missed, or, where
`maps/quality/blind-spots.csv` says why nothing can find it, a blind spot; what the house says and nobody planted is counted too.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from trivet.contracts.house import House
from trivet.kernel.resources import text
from trivet.wiring.finders import ALARMS, FINDERS, circumstance, unexplained
from trivet.wiring.heard import Evidence, Fault

__all__ = ["blind_spots", "measure"]


def measure(house: House, truth: Path) -> dict[str, Any]:
    """Identity precision and recall over pairs of records, share of results under a standard code, faults found by kind."""
    faults = read(truth / "truth.ndjson")
    evidence = Evidence(house, truth, faults)
    return {"identity": evidence.identity(), "codes": codes(house), **found(evidence, faults)}


def read(path: Path) -> list[dict[str, Any]]:
    """The objects of an NDJSON file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def codes(house: House) -> dict[str, Any]:
    """Results under a standard code of all results, by feed and in all."""
    rows = house.shelf.query(text("trivet.wiring", "sql", "scored_codes.sql"))[1]
    results, mapped = sum(row[1] for row in rows), sum(row[2] for row in rows)
    by_feed = {source: {"results": count, "mapped": standard} for source, count, standard in rows}
    return {"results": results, "mapped": mapped, "share": round(mapped / results, 6) if results else None, "by_feed": by_feed}


def blind_spots() -> dict[tuple[str, str], dict[str, str]]:
    """What nothing here can find, by kind and circumstance: why, and what would find it."""
    rows = csv.DictReader(text("trivet.maps", "quality", "blind-spots.csv").splitlines())
    return {(row["kind"], row["circumstance"]): row for row in rows}


def found(evidence: Evidence, faults: list[Fault]) -> dict[str, Any]:
    """Faults by kind: planted, found, blind spots, missed; what checks say that no planted fault explains. Planted is always the sum of
    the three. A kind's `false_alarms` are those of the checks that look for it; None where no check of its own does."""
    kinds: dict[str, dict[str, Any]] = {}
    by_kind: dict[str, list[Fault]] = defaultdict(list)
    spots = blind_spots()
    for fault in faults:
        by_kind[fault["kind"]].append(fault)
    for name, planted in sorted(by_kind.items()):
        finder = FINDERS.get(name)
        unfound = [fault for fault in planted if finder is None or not finder(evidence, fault)]
        why = {fault["id"]: spots.get((name, circumstance(evidence, fault))) for fault in unfound}
        kinds[name] = {
            "planted": len(planted),
            "found": len(planted) - len(unfound),
            "blind_spots": [{"fault": fault, **spot} for fault, spot in why.items() if spot],
            "missed": [fault for fault, spot in why.items() if spot is None],
            "false_alarms": None,
        }
    alarms = {}
    for check, (causes, explain) in ALARMS.items():
        explained = explain(evidence, [fault for cause in causes for fault in by_kind[cause]])
        alarms[check] = unexplained(evidence.checks[check], explained)
        for cause in causes:
            if cause in kinds:
                kinds[cause]["false_alarms"] = (kinds[cause]["false_alarms"] or 0) + alarms[check]
    planted_, hit = sum(kind["planted"] for kind in kinds.values()), sum(kind["found"] for kind in kinds.values())
    return {
        "faults": {
            "planted": planted_,
            "found": hit,
            "blind_spots": sum(len(kind["blind_spots"]) for kind in kinds.values()),
            "missed": sum(len(kind["missed"]) for kind in kinds.values()),
            "share": round(hit / planted_, 6) if planted_ else None,
            "by_kind": kinds,
        },
        "false_alarms": alarms,
    }
