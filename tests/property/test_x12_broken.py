"""X12 with segments deleted, repeated and moved, and elements emptied or spoilt: nothing is lost, nothing invalid comes out, and what is
wrong is said with its place."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.integration.formats.x12 import X12Format
from trivet.integration.formats.x12.acknowledge import acknowledge
from trivet.integration.validation import Validator
from trivet.testing.kits.format import FormatKit

GOLDEN = Path(__file__).parents[1] / "golden/x12"
FILES = [path.read_bytes().decode() for path in sorted(GOLDEN.glob("*.edi"))]
KIT = FormatKit(X12Format(), SourceProfile("any", zone="UTC"), related=lambda span, value, text: True)
JUDGE, MOMENT = Validator(), datetime(2026, 3, 2)
SPOILT = [
    "",
    "X",
    " ",
    "-",
    "1E5",
    "99999999",
    "20261399",
    "20260101-20250101",
    "\x01",
    "\u00e9",
    "0",
    "-5",
    "9" * 24,
    "A" * 300,
    "&<>",
    "12:30",
]
FOUR = st.integers(0, 10_000)
CHANGES = st.lists(
    st.tuples(st.sampled_from(["drop", "twice", "swap", "drop some", "empty", "spoil"]), FOUR, FOUR, FOUR), min_size=1, max_size=4
)


def changed(text: str, changes: list[tuple[str, int, int, int]]) -> bytes:
    """The file after these changes. ISA stays: without it nothing can be read, which another test shows."""
    separator, terminator = text[3], text[105]
    parts = text.split(terminator)
    for what, one, two, three in changes:
        if len(parts) < 4:
            break
        at, other = 1 + one % (len(parts) - 2), 1 + two % (len(parts) - 2)
        elements = parts[at].split(separator)
        if what == "drop":
            del parts[at]
        elif what == "twice":
            parts.insert(at, parts[at])
        elif what == "swap":
            parts[at], parts[other] = parts[other], parts[at]
        elif what == "drop some":
            del parts[at : min(len(parts) - 1, at + 2 + three % 5)]
        elif len(elements) > 1:
            elements[1 + two % (len(elements) - 1)] = "" if what == "empty" else SPOILT[three % len(SPOILT)]
            parts[at] = separator.join(elements)
    return terminator.join(parts).encode("latin-1")


def invalid(told: Translation) -> list[str]:
    """What our validator calls an error, in any record."""
    return [f"{one.expression} {one.rule}" for record in told.records for one in JUDGE.value(record.resource) if one.is_error]


def found(told: Translation) -> list[tuple[str, int, int]]:
    """Everything that is said to be wrong, with its place."""
    rejects = [(one.code, one.offset, one.length) for one in told.rejects]
    return rejects + [(one.code or one.kind, one.offset, one.length) for one in told.notices]


def holds(text: str, changes: list[tuple[str, int, int, int]]) -> None:
    """No crash; every byte in a unit; every element accounted for once; every record valid FHIR R4; every fault inside its unit; and
    where the acknowledgement rejects a set, it names a segment, an element, or a fault of the envelope."""
    raw = changed(text, changes)
    for told in [*(one for _, one in KIT.check(raw)), KIT.check_unit(raw)]:
        assert invalid(told) == []
        assert all(code and offset >= 0 and length > 0 for code, offset, length in found(told))
    answer = [part.split(text[3]) for part in acknowledge(raw, MOMENT, 1).decode("latin-1").replace("\n", "").split(text[105])]
    named = 0
    for elements in answer:
        named = 0 if elements[0] == "AK2" else named + (elements[0] in ("AK3", "IK3"))
        if elements[0] in ("AK5", "IK5") and elements[1] == "R":
            assert len(elements) > 2
            assert named > 0 or "5" not in elements[2:]


@given(st.sampled_from(FILES), CHANGES)
@settings(max_examples=40, deadline=None)
def test_whatever_is_missing_or_moved_nothing_invalid_comes_out(text: str, changes: list[tuple[str, int, int, int]]) -> None:
    """Forty draws."""
    holds(text, changes)


@pytest.mark.long
@given(st.sampled_from(FILES), CHANGES)
@settings(max_examples=1500, deadline=None)
def test_the_same_for_many(text: str, changes: list[tuple[str, int, int, int]]) -> None:
    """Fifteen hundred draws."""
    holds(text, changes)


@pytest.mark.parametrize(
    ("name", "start", "code"),
    [
        ("claims_837p.edi", "NM1*IL*1*OKAFOR", "missing-segment:2010BA/NM1"),
        ("claims_837p.edi", "LX*1", "unexpected-segment:2310B/SV1"),
        ("claims_837p.edi", "SV1*HC:99214", "missing-segment:2400/SV1"),
        ("claims_837p.edi", "CLM*RB-1002", ""),
        ("claims_837i.edi", "LX|1", "unexpected-segment:2310A/SV2"),
        ("claims_837i.edi", "SV2|", "missing-segment:2400/SV2"),
        ("claims_4010.edi", "LX*1", "unexpected-segment:2300/SV1"),
        ("remittance_835.edi", "NM1*QC*1*OKAFOR", "missing-segment:2100/NM1"),
        ("enrolment_834.edi", "NM1*IL", "missing-segment:2100A/NM1"),
        ("enrolment_834.edi", "HD*", "unexpected-segment"),
        ("inquiries.edi", "NM1*IL", "missing-segment"),
        ("inquiries.edi", "EB*", ""),
    ],
)
def test_a_segment_that_is_missing_is_named_at_its_place(name: str, start: str, code: str) -> None:
    """The segment that everything else hangs on is taken out: the fault is said with its place, what remains is read and is valid."""
    text = (GOLDEN / name).read_text()
    parts = text.split(text[105])
    at = next(place for place, part in enumerate(parts) if part.strip().startswith(start))
    raw = text[105].join(parts[:at] + parts[at + 1 :]).encode()
    told = KIT.check_unit(raw)
    assert invalid(told) == []
    assert told.records
    said = found(told)
    assert all(0 <= offset < len(raw) and length > 0 for _, offset, length in said)
    assert any(one.startswith(code) for one, _, _ in said), said


def test_a_service_without_its_segments_is_an_item_that_says_so() -> None:
    """An 835 without SVC and an 837 without SV1: what is said of the line stays, the product or service is said to be unknown."""
    text = (GOLDEN / "remittance_835.edi").read_text()
    parts = [part for part in text.split("~") if not part.strip().startswith("SVC*")]
    benefits = [one.resource for one in KIT.check_unit("~".join(parts).encode()).records if one.key.startswith("Explan")]
    assert benefits
    text = (GOLDEN / "claims_837p.edi").read_text()
    parts = [part for part in text.split("~") if not part.strip().startswith("SV1*HC:99214")]
    told = KIT.check_unit("~".join(parts).encode())
    claim = next(one.resource for one in told.records if one.key.startswith("Claim/"))
    assert claim["item"][0]["productOrService"] == {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    }
    assert invalid(told) == []
