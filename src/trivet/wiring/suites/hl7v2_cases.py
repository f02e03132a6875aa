"""What every HL7 v2 suite does with a file: cut it, read it, write it back, translate it, and check the account.

`facts.py` compares with an expected bundle; `maps/conformance/hl7v2_misses.csv` says for each class of missed facts why it is missed.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.contracts.suite import SuiteResult
from trivet.integration.formats.hl7v2 import Hl7v2Format
from trivet.integration.formats.hl7v2.reader import Message, NotHl7v2
from trivet.kernel import jsontext
from trivet.kernel.resources import text
from trivet.wiring.suites.facts import Tally
from trivet.wiring.suites.hl7v2_reread import comes_from
from trivet.wiring.validate import house_validator

__all__ = ["Account", "check", "report"]

_FORMAT = Hl7v2Format()
_VALIDATOR = house_validator()


@dataclass(slots=True)
class Account:
    """Sums over a suite: what became of the source elements, and what was noticed and refused."""

    dispositions: Counter[str] = field(default_factory=Counter)
    uncovered: Counter[str] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)
    rejects: int = 0
    spans: int = 0
    messages: int = 0
    records: int = 0

    def add(self, done: Translation) -> None:
        """Count one translation."""
        self.messages += 1
        self.records += len(done.records)
        self.rejects += len(done.rejects)
        self.notices.update(notice.kind for notice in done.notices)
        for element in done.elements:
            self.dispositions[element.disposition] += 1
            if element.disposition == "uncovered":
                segment, _, place = element.locator.partition("-")
                self.uncovered[f"{segment.partition('[')[0]}-{place.partition('[')[0]}"] += 1

    def as_dict(self) -> dict[str, Any]:
        """For the suite's measures."""
        return {
            "messages": self.messages,
            "records": self.records,
            "spans that re-read": self.spans,
            "elements": dict(self.dispositions),
            "uncovered": dict(self.uncovered.most_common(40)),
            "notices": dict(self.notices),
            "rejects": self.rejects,
        }


def check(raw: bytes, profile: SourceProfile, account: Account) -> tuple[list[dict[str, Any]], str]:
    """The records of one file, and what is wrong with it, "" when nothing is."""
    records: list[dict[str, Any]] = []
    units = list(_FORMAT.split(raw))
    if b"".join(unit.raw for unit in units) != raw:
        return records, "bytes lost in splitting"
    for unit in units:
        done = _FORMAT.translate(unit.raw, profile)
        account.add(done)
        records.extend(record.resource for record in done.records)
        try:
            message = Message(unit.raw)
        except NotHl7v2:
            continue
        if _FORMAT.write(unit.raw) != unit.raw:
            return records, "not written back byte-identical"
        leaves = [(leaf.locator, leaf.offset, leaf.length) for segment in message.segments for leaf in segment.leaves()]
        if [(element.locator, element.offset, element.length) for element in done.elements] != leaves:
            return records, "an element is not accounted for exactly once"
        wrong = _wrong_span(done, message, account) or _invalid(unit.raw, profile)
        if wrong:
            return records, wrong
    return records, ""


def _wrong_span(done: Translation, message: Message, account: Account) -> str:
    """A span whose locator does not name its bytes, whose path is not in the record, or whose bytes do not say the value."""
    separators = message.separators
    holds = comes_from("".join(separators[:5]), message.codec)
    for record in done.records:
        for span in record.spans:
            account.spans += 1
            if "-" in span.locator and message.span(span.locator) != (span.offset, span.length):
                return f"{span.locator} does not name its bytes"
            node: Any = record.resource
            try:
                for step in span.path.split("."):
                    key, _, index = step.partition("[")
                    node = node[key][int(index[:-1])] if index else node[key]
            except (KeyError, IndexError, TypeError):
                return f"no {span.path} in {record.resource['resourceType']}"
            sent = message.raw[span.offset : span.offset + span.length].decode(message.codec, "surrogateescape")
            if not holds(span, node, sent):
                return f"{span.path} ({span.rule}) is not what {span.locator} says"
    return ""


def _invalid(raw: bytes, profile: SourceProfile) -> str:
    """What FHIR R4 refuses of a unit as any feed would give it: a suite's profile may want systems that are bare names."""
    for record in _FORMAT.translate(raw, SourceProfile(profile.source, zone=profile.zone)).records:
        for finding in _VALIDATOR.text(jsontext.dumps(record.resource)):
            if finding.is_error:
                return f"invalid FHIR: {record.resource['resourceType']} {finding.rule} {finding.message}"
    return ""


def _reasons(suite: str) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(text("trivet.maps", "conformance", "hl7v2_misses.csv")))
    return [row for row in rows if row["suite"] in (suite, "*")]


def report(result: SuiteResult, suite: str, tally: Tally, account: Account, bar: float) -> SuiteResult:
    """Put recall, misses with their reasons and the account into the result; below the bar the suite fails."""
    classes: dict[str, dict[str, Any]] = {}
    rows = _reasons(suite)
    for (kind, path), count in tally.misses.most_common():
        name = f"{kind}.{path}" if path else kind
        row = next((row for row in rows if fnmatchcase(name, row["path"])), None)
        reason = row["reason"] if row else "not looked at"
        entry = classes.setdefault(reason, {"facts": 0, "paths": {}})
        entry["facts"] += count
        entry["paths"][name] = count
    result.measures["recall"] = round(tally.recall, 4)
    result.measures["expected"] = tally.expected
    result.measures["found"] = tally.found
    result.measures["per_type"] = {kind: {"found": found, "expected": total} for kind, (found, total) in sorted(tally.per_type.items())}
    result.measures["misses"] = classes
    result.measures["account"] = account.as_dict()
    if tally.recall < bar:
        result.failed["recall"] = f"{tally.recall:.4f} of the expected facts, the bar is {bar}"
    return result
