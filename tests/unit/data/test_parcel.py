"""What is packed for the shelf: event time, subject, retraction, places without indices, one end state."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element, Notice, Record, Span, Translation
from trivet.data.instants import lower_bound
from trivet.data.parcel import open_spans, pack, pattern, rows
from trivet.kernel.errors import Rejected

CHICAGO = SourceProfile("lab", zone="America/Chicago")
NINE = {"reference": "Patient/9"}
MARCH, JANUARY = "2026-03-01T08:00:00Z", "2026-01-01T00:00:00Z"


def packed(resource: dict[str, Any]) -> Any:
    """The sheet of one resource."""
    return pack(Translation((Record({"id": "1", **resource}, ()),), ()), CHICAGO).sheets[0]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-01T08:00:00-06:00", "2026-03-01T14:00:00.000000Z"),
        ("2026-03-01T08:00:00.25Z", "2026-03-01T08:00:00.250000Z"),
        ("2026-03-01", "2026-03-01T06:00:00.000000Z"),
        ("2026-07-01", "2026-07-01T05:00:00.000000Z"),
        ("2026-03", "2026-03-01T06:00:00.000000Z"),
        ("2026", "2026-01-01T06:00:00.000000Z"),
        ("2026-03-01T08:00:00", "2026-03-01T14:00:00.000000Z"),
        ("2026-13-01", ""),
        ("0001-01-01T00:00:00+14:00", ""),
        ("soon", ""),
        ("", ""),
    ],
)
def test_a_date_begins_in_its_feeds_zone(text: str, instant: str) -> None:
    """Offsets count, dates begin at midnight of the feed's zone, winter and summer; what is no date is no instant."""
    assert lower_bound(text, "America/Chicago") == instant


@pytest.mark.parametrize(
    ("resource", "subject", "valid_at", "deleted"),
    [
        ({"resourceType": "Patient", "birthDate": "1970-01-01"}, "Patient/1", "", 0),
        (
            {"resourceType": "Observation", "subject": NINE, "issued": MARCH},
            "Patient/9",
            "2026-03-01T08",
            0,
        ),
        (
            {"resourceType": "Observation", "effectiveDateTime": JANUARY, "issued": MARCH},
            "",
            "2026-01-01T00",
            0,
        ),
        ({"resourceType": "Coverage", "beneficiary": NINE}, "Patient/9", "", 0),
        (
            {"resourceType": "Claim", "patient": NINE, "billablePeriod": {"start": "2026-02-01T00:00:00Z"}},
            "Patient/9",
            "2026-02-01T00",
            0,
        ),
        ({"resourceType": "Observation", "subject": {"reference": "Location/3"}, "status": "entered-in-error"}, "", "", 1),
        ({"resourceType": "Condition", "verificationStatus": {"coding": [{"code": "entered-in-error"}]}}, "", "", 1),
        ({"resourceType": "Organization", "name": "x"}, "", "", 0),
    ],
)
def test_subject_event_time_and_retraction(resource: dict[str, Any], subject: str, valid_at: str, deleted: int) -> None:
    """The approved tables decide; a record without a time has none, and one about a place is about no patient."""
    sheet = packed(resource)
    assert (sheet.subject, sheet.valid_at[:13], sheet.deleted) == (subject, valid_at, deleted)


@pytest.mark.parametrize(
    ("locator", "shown"),
    [
        ("OBX[3]-5[1].2", "OBX-5.2"),
        ("/entry/4/resource/valueQuantity/value", "/entry/*/resource/valueQuantity/value"),
        ("CLM[2]-02", "CLM-02"),
        ("r=17;c=lab_value", "c=lab_value"),
        ("(0028,0010)", "(0028,0010)"),
    ],
)
def test_a_place_without_its_counts(locator: str, shown: str) -> None:
    """One field of a feed is one line of its coverage, however often it stands in a message."""
    assert pattern(locator) == shown


def test_every_translation_has_one_end_state() -> None:
    """Ignored on purpose, mapped (in part), quarantined with a code, and never nothing."""
    record, reject = Record({"resourceType": "Patient", "id": "1"}, ()), Rejected("E299", "no")
    cases = {
        ("ignored", "rule-7", False): Translation((), (), ignored="rule-7"),
        ("mapped", "", False): Translation((record,), ()),
        ("mapped", "E299", True): Translation((record,), (), rejects=(reject,)),
        ("quarantined", "E299", False): Translation((), (), rejects=(reject,)),
        ("quarantined", "no-records", False): Translation((), ()),
    }
    for (state, reason, partial), translation in cases.items():
        parcel = pack(translation, CHICAGO)
        assert (parcel.state, parcel.reason, parcel.partial) == (state, reason, partial)


def test_spans_come_back_as_they_were() -> None:
    """Lineage is packed and opened again without loss; another key has none."""
    spans = (Span("code.text", 3, 4, "OBX[1]-3", "r1"), Span("valueString", 9, 2, "OBX[1]-5", "é"))
    parcel = pack(Translation((Record({"resourceType": "Observation", "id": "1"}, spans),), ()), CHICAGO)
    assert open_spans(parcel.spans, "Observation/1") == spans
    assert open_spans(parcel.spans, "Observation/2") == ()
    assert open_spans(b"", "Observation/1") == ()


@given(st.lists(st.tuples(st.sampled_from(["PID[1]-3", "PID[2]-3", "OBX[1]-5"]), st.sampled_from(["mapped", "uncovered"])), max_size=20))
def test_no_element_is_lost_in_the_count(elements: list[tuple[str, str]]) -> None:
    """The counts add up to the number of elements."""
    translation = Translation((), tuple(Element(locator, 0, 1, fate, "") for locator, fate in elements))
    assert sum(line.elements for line in pack(translation, CHICAGO).coverage) == len(elements)


def test_notices_about_one_code_are_one_line() -> None:
    """The first place stands for the rest, and the rest is counted."""
    notices = tuple(Notice("unknown-code", "urn:x", code, f"OBX[{at}]-3", at, 2) for at, code in enumerate(["a", "b", "a"]))
    lines = pack(Translation((), (), notices=notices), CHICAGO).notices
    assert [(line.code, line.offset, line.times) for line in lines] == [("a", 0, 2), ("b", 1, 1)]


def test_the_tables_have_no_two_rows_of_one_rank() -> None:
    """Each type has one first choice for its time and its subject."""
    for name in ("times.csv", "subjects.csv"):
        ranks = [(row["type"], row["rank"]) for row in rows(name)]
        assert len(ranks) == len(set(ranks))
        assert all(row["why"] for row in rows(name))
