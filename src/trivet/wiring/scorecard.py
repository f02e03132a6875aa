"""What was planted against what was found: identity, codes, faults. In, a home that lived through the sample hospital, and the folder
with its truth; out, figures measured in this very home. A fault counts as found only where the house itself says so: in a check's rows,
a notice, a reject, a review, a repeated delivery (`heard.py`, `finders.py`). What is not found is missed, or, where
`maps/quality/blind-spots.csv` says why nothing can find it, a blind spot; what the house says and nobody planted is a false alarm
(`alarms.py`).
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from trivet.contracts.house import House
from trivet.kernel.resources import text
from trivet.wiring.alarms import alarms, counted, unalarmed
from trivet.wiring.finders import FINDERS, circumstance
from trivet.wiring.heard import Evidence, Fault, Opened

__all__ = ["blind_spots", "measure"]


def measure(house: House, truth: Path, opened: Opened | None = None) -> dict[str, Any]:
    """Identity precision and recall over pairs of records, share of results under a standard code, faults found by kind. `opened` are the
    rows of the checks of `heard.CHECKS`, where somebody has just read them."""
    faults = read(truth / "truth.ndjson")
    evidence = Evidence(house, truth, faults, opened)
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
    """Faults by kind: planted, found, blind spots, missed; what the house says that no planted fault explains. Planted is always the sum
    of the three. A kind's `said` and `false_alarms` are those of the alarms that it is told with; where nothing is ever flagged both are
    None, and `no_alarm` says why."""
    kinds: dict[str, dict[str, Any]] = {}
    by_kind: dict[str, list[Fault]] = defaultdict(list)
    spots, silent = blind_spots(), unalarmed()
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
            "said": None,
            "false_alarms": None,
            "no_alarm": silent.get(name, ""),
        }
    told = counted(evidence, by_kind)
    for alarm in alarms():
        for kind in (kinds[one] for one in alarm.kinds if alarm.alarm and one in kinds):
            kind["said"] = (kind["said"] or 0) + told[alarm.alarm].said
            kind["false_alarms"] = (kind["false_alarms"] or 0) + told[alarm.alarm].false
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
        "false_alarms": {name: one.false for name, one in told.items()},
        "alarms": {one.alarm: {**told[one.alarm]._asdict(), "counts": one.said, "false_if": one.false} for one in alarms() if one.alarm},
    }
