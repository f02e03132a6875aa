"""The C-CDA half of suite hl7v2-and-ccda-to-fhir-pairs: documents and the bundles of a production converter, compared by facts."""

from __future__ import annotations

import csv
import io
import json
import time
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.contracts.suite import SuiteResult
from trivet.integration.formats.ccda import CcdaFormat
from trivet.integration.formats.ccda.lineage import stands_for
from trivet.kernel.resources import text
from trivet.testing.kits.format import FormatKit, related
from trivet.wiring.suites.facts import Tally, facts_of, resources_in

__all__ = ["BAR", "account", "ccda_half", "checked", "classes"]

BAR = 0.75
PROFILE = SourceProfile("pairs", "ccda", zone="UTC")


def checked(raw: bytes, profile: SourceProfile) -> tuple[Translation, str]:
    """The translation of a document, and what is wrong with it by the format kit, "" when nothing is."""
    form = CcdaFormat()
    kit = FormatKit(form, profile, lambda span, value, said: related(span, value, said) or stands_for(value, said))
    try:
        ((_, told),) = kit.check(raw)
    except AssertionError as broken:
        return form.translate(raw, profile), str(broken)[:200]
    return told, ""


def account(told: list[Translation], seconds: float) -> dict[str, Any]:
    """Sums over documents: records, elements by disposition, rejects, notices, time."""
    dispositions = Counter(element.disposition for one in told for element in one.elements)
    return {
        "documents": len(told),
        "records": sum(len(one.records) for one in told),
        "types": dict(Counter(record.resource["resourceType"] for one in told for record in one.records).most_common()),
        "elements": dict(dispositions),
        "rejects": [f"{reject.code} {reject.locator}: {reject.reason}" for one in told for reject in one.rejects],
        "notices": dict(Counter(notice.kind for one in told for notice in one.notices)),
        "ms_per_document": round(seconds * 1000 / max(1, len(told)), 1),
    }


def classes(tally: Tally) -> dict[str, Any]:
    """Missed facts by the reason that `maps/conformance/ccda_misses.csv` gives."""
    rows = list(csv.DictReader(io.StringIO(text("trivet.maps", "conformance", "ccda_misses.csv"))))
    found: dict[str, Any] = {}
    for (kind, path), count in tally.misses.most_common():
        name = f"{kind}.{path}" if path else kind
        reason = next((row["reason"] for row in rows if fnmatchcase(name, row["path"])), "not looked at")
        entry = found.setdefault(reason, {"facts": 0, "paths": {}})
        entry["facts"] += count
        entry["paths"][name] = count
    return found


def ccda_half(folder: Path, result: SuiteResult) -> None:
    """Every document converted and checked; facts compared with its bundle. Below the bar the suite fails."""
    tally, told, spent = Tally(), [], 0.0
    bundles = {
        path.name.removesuffix("-expected.json"): path for path in folder.rglob("*-expected.json") if "/Expected/Ccda/" in path.as_posix()
    }
    for path in sorted((folder / "data/SampleData/Ccda").glob("*.ccda")):
        raw = path.read_bytes()
        begun = time.process_time()
        CcdaFormat().translate(raw, PROFILE)
        spent += time.process_time() - begun
        done, wrong = checked(raw, PROFILE)
        told.append(done)
        if wrong:
            result.failed[path.name] = wrong
            continue
        if path.stem in bundles:
            wanted = facts_of(resources_in(json.loads(bundles[path.stem].read_text(encoding="utf-8-sig"))))
            tally.add(path.name, wanted, facts_of(record.resource for record in done.records))
        result.passed.append(path.name)
    result.measures["ccda"] = {
        "recall": round(tally.recall, 4),
        "expected": tally.expected,
        "found": tally.found,
        "per_type": {kind: {"found": found, "expected": total} for kind, (found, total) in sorted(tally.per_type.items())},
        "misses": classes(tally),
        "account": account(told, spent),
    }
    if tally.recall < BAR:
        result.failed["ccda recall"] = f"{tally.recall:.4f} of the expected facts, the bar is {BAR}"
