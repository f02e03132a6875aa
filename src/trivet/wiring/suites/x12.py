"""X12 interchanges that others wrote: every valid one read, every named fault found, acknowledgements equal.

Three kinds of case: `read/FILE` (cut, translated, nothing lost, each element once; a file that is valid by its origin gives no reject
and no structural notice), `fault/FILE` (the faults that the file's name announces are found), `ack/NAME` (our 997 or 999 says the same
of every segment, element and set as the stored one, with the same codes).
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from trivet.contracts.profile import SourceProfile
from trivet.contracts.suite import SuiteResult
from trivet.integration.formats.x12 import X12Format
from trivet.integration.formats.x12.acknowledge import acknowledge
from trivet.testing.kits.format import FormatKit

__all__ = ["run"]

SKIP = {"LICENSE", "LICENSE.txt", "SOURCE.txt"}
PAIRS = "pyx12-997-999/pyx12/test/x12testdata.py"
MOMENT = datetime(2026, 1, 2, 3, 4)  # noqa: DTZ001 (an acknowledgement carries wall time)
# What a file's name announces, in our words; a file that is not here announces nothing and is taken as valid.
FAULTS: dict[str, tuple[str, ...]] = {
    "imsweb/837_5010/x12_missing_elements.txt": ("missing-element:1000B/NM1-02", "missing-element:2300/CLM-05"),
    "imsweb/837_5010/x12_missing_required_loop_in_one_repeat.txt": ("missing-segment:2010BA/NM1",),
    "imsweb/837_5010/x12_segment_errors.txt": (
        "missing-segment:2010AA/N3",
        "too-many-segments:2010AA/REF",
        "missing-segment:2300/HI",
    ),
}
# Not valid, though nothing in their name says so: read and cut, but not held to be without fault.
FAULTY: dict[str, str] = {
    "837_004010X096A1/institutional.837": "CLM18 is empty, which the 4010 institutional guide requires",
    "837_004010X096A1/workers-compensation.837": "CLM18 is empty, which the 4010 institutional guide requires",
    "835_005010X221A1/managed-care.835": "loop 1000A lacks the required PER*BL, and BPR16 is 20002316",
    "835_005010X221A1/tertiary-payment.835": "loop 1000A lacks the required PER*BL",
    "hccinfhir/sample_files/sample_834_01.txt": "SE01 is not the number of segments",
    "hccinfhir/sample_files/sample_837_11.txt": "no payer, no LX, SE01 is not the number of segments",
    "hccinfhir/sample_files/sample_837_12.txt": "no payer, SV1 in an institutional claim, counts are wrong",
    "hccinfhir/sample_files/sample_837_2.txt": "no payer, SV1 in an institutional claim",
    "hccinfhir/sample_files/sample_837_3.txt": "no payer, SV1 in an institutional claim",
    "hccinfhir/sample_files/sample_837_4.txt": "no payer, SV1 in an institutional claim",
    "hccinfhir/sample_files/sample_837_7.txt": "no payer, SV1 in an institutional claim",
    "imsweb/837_5010/x12_ambiguous_loop.txt": "SE01 is not the number of segments",
    "imsweb/837_5010/x12_multiple_gs.txt": "SE01 is not the number of segments, IEA01 not the number of groups",
    "imsweb/837_5010/x12_multiple_transactions.txt": "SE01 is not the number of segments",
    "imsweb/837_5010/x12_no_errors.txt": "SE01 is not the number of segments, HI is written with element separators",
}
# Other files whose name announces a fault: some fault must be found. Counts that are wrong by plain counting are wrong whatever the name.
ANNOUNCES = re.compile(r"missing|invalid|wrong|bad|duplicate|unexpected|too_?many|(?<!no_)errors?(?![a-z])", re.IGNORECASE)
COUNTS = frozenset({"x12-se-count", "x12-ge-count", "x12-iea-count"})


def miscounted(raw: bytes) -> bool:
    """Whether SE01, GE01 or IEA01 is not what plain counting gives; nothing of the reader is used."""
    text = raw.decode("latin-1").lstrip()
    if len(text) < 106:
        return False
    inside = groups = sets = 0
    for part in text.split(text[105]):
        elements = part.strip().split(text[3])
        name, stated = elements[0], elements[1] if len(elements) > 1 else ""
        inside += 1
        inside = 1 if name == "ST" else inside
        groups, sets = (0 if name == "ISA" else groups + (name == "GS")), (0 if name == "GS" else sets + (name == "ST"))
        counted = {"SE": inside, "GE": sets, "IEA": groups}.get(name)
        if counted is not None and str(counted) != stated.lstrip("0"):
            return True
    return False


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Interchanges by their path in the suite."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in SKIP and path.suffix != ".py":
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def findings(text: str) -> list[tuple[str, ...]]:
    """What an acknowledgement says: segment errors, element errors, sets, groups, interchanges; without its own envelope."""
    separator, terminator = text[3], text[105]
    keep = {"AK3": (0, 1, 2, 4), "IK3": (0, 1, 2, 4), "AK4": (0, 1, 2, 3), "IK4": (0, 1, 2, 3)}
    found = []
    for part in text.split(terminator):
        elements = part.strip().split(separator)
        if elements[0] in keep:
            found.append(tuple(elements[place] if place < len(elements) else "" for place in keep[elements[0]]))
        elif elements[0] in ("AK5", "IK5", "AK9", "TA1"):
            found.append(tuple(elements))
    return sorted(found)


def run(corpora: Path) -> SuiteResult:
    """The suite over `corpora/x12`."""
    result, fates, records = SuiteResult("x12"), Counter[str](), Counter[str]()
    kit = FormatKit(X12Format(), SourceProfile("x12"), related=lambda span, value, text: True)
    for name, raw in files(corpora / "x12"):
        notices: list[str] = []
        try:
            told = kit.check(raw)
        except AssertionError as error:
            result.failed[f"read/{name}"] = str(error)
            continue
        for _, one in told:
            fates.update(element.disposition for element in one.elements)
            records.update(record.resource["resourceType"] for record in one.records)
            notices += [reject.code for reject in one.rejects]
            notices += [notice.code for notice in one.notices if notice.kind == "structure"]
        announced = name not in FAULTY and name not in FAULTS and ANNOUNCES.search(name.rpartition("/")[2])
        if announced:
            _settle(result, f"fault/{name}", "" if notices else "the name announces a fault, and none was found")
        explained = announced or (set(notices) <= COUNTS and miscounted(raw))
        if name not in FAULTY and name not in FAULTS and notices and not explained:
            result.failed[f"read/{name}"] = ", ".join(sorted(set(notices))[:5])
        else:
            result.passed.append(f"read/{name}")
        missed = [fault for fault in FAULTS.get(name, ()) if fault not in notices]
        if name in FAULTS:
            _settle(result, f"fault/{name}", f"not found: {', '.join(missed)}" if missed else "")
    for name, pair in pairs(corpora / "x12" / PAIRS).items():
        wanted = pair.get("res997") or pair.get("resAck")
        if wanted is None:
            result.excluded[f"ack/{name}"] = "no acknowledgement is stored with it"
            continue
        _settle(result, f"ack/{name}", difference(wanted, acknowledge(pair["source"].encode(), MOMENT, 1).decode("latin-1")))
    result.measures = {"elements": dict(fates), "records": dict(sorted(records.items())), "read but not valid": FAULTY}
    return result


def _settle(result: SuiteResult, case: str, problem: str) -> None:
    if problem:
        result.failed[case] = problem
    else:
        result.passed.append(case)


def pairs(path: Path) -> dict[str, dict[str, Any]]:
    """Interchanges with their acknowledgements, stored as a Python literal: read as a literal, never run."""
    if not path.is_file():
        return {}
    assignment = next(node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.Assign))
    found: dict[str, dict[str, Any]] = ast.literal_eval(assignment.value)
    return found


def difference(wanted: str, got: str) -> str:
    """What one acknowledgement says and the other does not; empty when they agree."""
    one, other = findings(re.sub(r"~\n", "~", wanted)), findings(got)
    lacking, added = [item for item in one if item not in other], [item for item in other if item not in one]
    if not lacking and not added and len(one) == len(other):
        return ""
    return f"stored only: {lacking[:3]}; ours only: {added[:3]}"
