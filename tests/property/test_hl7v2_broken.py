"""HL7 v2 with segments deleted, repeated and moved, and fields emptied or spoilt: no invalid FHIR comes out, nothing is lost,
and what had to go is said with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.integration.formats.hl7v2 import Hl7v2Format
from trivet.integration.validation import Validator
from trivet.testing.kits.format import FormatKit

GOLDEN = Path(__file__).parents[1] / "golden/hl7v2"
FORM = Hl7v2Format()
FILES = [
    unit.raw.replace(b"\n", b"") for path in sorted(GOLDEN.glob("*.hl7")) for unit in FORM.split(path.read_bytes().replace(b"\n", b"\r"))
]
PROFILE = SourceProfile("any", zone="UTC")
ROWS = SourceProfile("any", zone="UTC", options={"forms": False})
KIT = FormatKit(FORM, PROFILE, related=lambda span, value, text: True)
JUDGE = Validator()
SPOILT = [
    "",
    "X",
    '""',
    "-",
    "-7",
    "99999999",
    "20261399",
    "20260101",
    "202601011200-0500",
    "a b",
    "\x01",
    "0",
    "9" * 24,
    "A^B",
    "&<>",
    "<5",
    "A\x1cB",
    "A\nB",
    "A^^^B\x0bC",
]
FOUR = st.integers(0, 10_000)
CHANGES = st.lists(
    st.tuples(st.sampled_from(["drop", "twice", "swap", "short", "empty", "spoil"]), FOUR, FOUR, FOUR), min_size=1, max_size=5
)


def changed(raw: bytes, changes: list[tuple[str, int, int, int]]) -> bytes:
    """The message after these changes. The header's first eight fields stay."""
    segments = raw.split(b"\r")
    for what, one, two, three in changes:
        at, other = one % len(segments), two % len(segments)
        fields = segments[at].split(b"|")
        first = 8 if at == 0 else 1
        if what == "drop" and at and len(segments) > 2:
            del segments[at]
        elif what == "twice" and at:
            segments.insert(at, segments[at])
        elif what == "swap" and at and other:
            segments[at], segments[other] = segments[other], segments[at]
        elif what == "short" and len(fields) > first:
            segments[at] = b"|".join(fields[: first + two % (len(fields) - first)])
        elif len(fields) > first:
            fields[first + two % (len(fields) - first)] = b"" if what == "empty" else SPOILT[three % len(SPOILT)].encode()
            segments[at] = b"|".join(fields)
    return b"\r".join(segments)


def invalid(told: Translation) -> list[str]:
    """What our validator calls an error, in any record."""
    return [f"{one.expression} {one.rule}" for record in told.records for one in JUDGE.value(record.resource) if one.is_error]


def holds(raw: bytes, changes: list[tuple[str, int, int, int]]) -> None:
    """Every record valid R4, every element accounted for once, every fault inside the unit, and forms say what rows say."""
    broken = changed(raw, changes)
    told = FORM.translate(broken, PROFILE)
    assert invalid(told) == []
    assert all(0 <= one.offset < len(broken) and one.length > 0 for one in (*told.rejects, *told.notices))
    assert told == FORM.translate(broken, PROFILE) == FORM.translate(broken, ROWS)
    KIT.check_unit(broken)


@given(st.sampled_from(FILES), CHANGES)
@settings(max_examples=40, deadline=None)
def test_whatever_is_missing_or_moved_nothing_invalid_comes_out(raw: bytes, changes: list[tuple[str, int, int, int]]) -> None:
    """Forty draws."""
    holds(raw, changes)


@pytest.mark.long
@given(st.sampled_from(FILES), CHANGES)
@settings(max_examples=1500, deadline=None)
def test_the_same_for_many(raw: bytes, changes: list[tuple[str, int, int, int]]) -> None:
    """Fifteen hundred draws."""
    holds(raw, changes)


def test_what_breaks_lines_inside_a_code_is_judged_whatever_came_before() -> None:
    """A message whose like was proven sound before: with a separator of files inside its code it is not taken for sound too."""
    form = Hl7v2Format()
    like = b"MSH|^~\\&|A|B|C|D|20260301||ADT^A01|1|P|2.5\rPID|1||77^^^N^MR||Okafor^Ada\rPD1||||88^Hippo^Harold^^^^^^TE^^^M10^Q%bQ\r"
    for _ in range(2):
        form.translate(like % b"", PROFILE)
    first, second = form.translate(like % b"\x1c", PROFILE), form.translate(like % b"\x1c", PROFILE)
    assert invalid(first) == []
    assert first == second


def test_a_message_that_does_not_say_what_it_is_says_so() -> None:
    """Without MSH-9 the event of the header is unknown: that is said, and everything else goes through."""
    told = FORM.translate(b"MSH|^~\\&|A|B|C|D|20260301||\rPID|1||77^^^N^MR||Okafor^Ada\r", PROFILE)
    assert invalid(told) == []
    header = next(one.resource for one in told.records if one.key.startswith("MessageHeader/"))
    assert "unknown" in str([part for name, part in header.items() if "event" in name])
