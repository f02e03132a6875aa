"""Batch files: the envelopes' counts are held against what was read, a missing header or trailer is said, and the messages go on."""

from __future__ import annotations

import pytest

from trivet.contracts.profile import SourceProfile
from trivet.integration.formats.hl7v2 import Hl7v2Format
from trivet.testing.kits.format import FormatKit

FEED = SourceProfile("adt", "hl7v2", zone="UTC")
KIT = FormatKit(Hl7v2Format(), FEED, related=lambda span, value, text: True)


def message(number: int) -> bytes:
    """A message of its own person."""
    head = f"MSH|^~\\&|A|B|C|D|20260301||ADT^A01|M{number}|P|2.5\r".encode()
    return head + f"PID|1||{number}^^^NORTH^MR||Ode^Ann||19700102|F\r".encode()


FHS, BHS = b"FHS|^~\\&|A|B\r", b"BHS|^~\\&|A|B\r"
ONE, TWO, THREE = message(1), message(2), message(3)


@pytest.mark.parametrize(
    ("raw", "patients", "codes"),
    [
        (FHS + BHS + ONE + TWO + b"BTS|2\rFTS|1\r", 2, []),
        (FHS + BHS + ONE + b"BTS|1\r" + BHS + TWO + THREE + b"BTS|2\rFTS|2\r", 3, []),
        (BHS + ONE + TWO + b"BTS|2\r", 2, []),
        (BHS + ONE + b"BTS||all\r", 1, []),
        (FHS + BHS + ONE + TWO + b"BTS|3\rFTS|1\r", 2, [("hl7v2-bts-count", b"3")]),
        (FHS + BHS + ONE + b"BTS|1\rFTS|4\r", 1, [("hl7v2-fts-count", b"4")]),
        (FHS + BHS + ONE + b"BTS|one\rFTS|1\r", 1, [("hl7v2-bts-count", b"one")]),
        (FHS + BHS + ONE + TWO, 2, [("hl7v2-fts-missing", b"FHS"), ("hl7v2-bts-missing", b"BHS")]),
        (BHS + ONE + BHS + TWO + b"BTS|1\r", 2, [("hl7v2-bts-missing", b"BHS")]),
        (FHS + BHS + ONE + b"FTS|1\r" + FHS + BHS + TWO + b"BTS|1\rFTS|1\r", 2, [("hl7v2-bts-missing", b"BHS")]),
        (ONE + TWO + b"BTS|2\r", 2, [("hl7v2-bhs-missing", b"BTS")]),
        (ONE + b"BTS|5\rFTS|1\r", 1, [("hl7v2-bhs-missing", b"BTS"), ("hl7v2-bts-count", b"5"), ("hl7v2-fhs-missing", b"FTS")]),
        (BHS + ONE + BHS + TWO + b"BTS|1\rBTS|1\r", 2, []),
        (BHS + ONE + BHS + TWO + b"BTS|1\rBTS|2\r", 2, []),
        (BHS + ONE + BHS + TWO + b"BTS|1\rBTS|4\r", 2, [("hl7v2-bts-count", b"4")]),
        (FHS + ONE + b"FTS|1\r", 1, []),
        (BHS + b"BTS|0\r", 0, []),
        ((BHS + ONE + TWO + b"BTS|2\r").replace(b"\r", b"\r\n"), 2, []),
        (b"\x0b" + BHS + ONE + b"BTS|2\r\x1c\r", 1, [("hl7v2-bts-count", b"2")]),
    ],
)
def test_counts_and_trailers_are_held_against_what_was_read(raw: bytes, patients: int, codes: list[tuple[str, bytes]]) -> None:
    """One reject per fault, at its place in the file; every message is translated all the same; nothing is lost."""
    told = KIT.check(raw)
    found = [(unit, one) for unit, each in told for one in each.rejects]
    places = [(one.code, raw[unit.at(one.offset) : unit.at(one.offset) + one.length]) for unit, one in found]
    assert places == codes
    records = [record.key for _, each in told for record in each.records if record.key.startswith("Patient/")]
    assert len(set(records)) == patients


def test_an_envelope_without_fault_is_ignored_by_rule() -> None:
    """Its values are dropped by the rule for envelopes; it makes no record and no reject."""
    told = [each for _, each in KIT.check(FHS + BHS + ONE + b"BTS|1\rFTS|1\r") if not each.records]
    assert [each.ignored for each in told] == ["hl7v2.batch-envelope"] * 4


def test_a_large_batch_is_counted() -> None:
    """Three thousand messages: the trailer's unit holds their names, nothing of what they say."""
    raw = BHS + b"".join(message(number) for number in range(3000)) + b"BTS|2999\r"
    units = list(Hl7v2Format().split(raw))
    last = units[-1]
    assert last.raw.count(b"MSH") == 3000
    assert b"PID" not in last.raw
    assert [one.code for one in Hl7v2Format().translate(last.raw, FEED).rejects] == ["hl7v2-bts-count"]
    assert last.context == len(last.raw) - len(b"BTS|2999\r")
