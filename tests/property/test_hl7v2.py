"""What must hold for any HL7 v2 delivery: nothing lost, every leaf once, every value from the bytes that its span names."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hl7v2_rows import comes_from, leaves_of, messages
from trivet.contracts.profile import SourceProfile
from trivet.integration.formats.hl7v2 import Hl7v2Format
from trivet.integration.formats.hl7v2.reader import Message
from trivet.testing.kits.format import FormatKit

FORM = Hl7v2Format()
PROFILE = SourceProfile("any", zone="America/Chicago")
FILES = sorted((Path(__file__).parents[1] / "golden/hl7v2").glob("*.hl7"))


@given(messages())
@settings(max_examples=250, deadline=None)
def test_any_message_is_accounted_for_leaf_by_leaf(drawn: tuple[bytes, str]) -> None:
    """Each leaf is one element, each span re-reads to what its row makes of those bytes, and the message is written back as it was."""
    raw, marks = drawn
    FormatKit(FORM, PROFILE, related=comes_from(marks), leaves=leaves_of(marks)).check(raw)


@given(messages())
@settings(max_examples=100, deadline=None)
def test_locators_lead_back_to_their_bytes(drawn: tuple[bytes, str]) -> None:
    """What an element is called is enough to find it again."""
    raw, _ = drawn
    message = Message(raw)
    for element in FORM.translate(raw, PROFILE).elements:
        assert message.span(element.locator) == (element.offset, element.length)


@given(messages(), messages())
@settings(max_examples=100, deadline=None)
def test_a_message_says_the_same_whatever_came_before(one: tuple[bytes, str], other: tuple[bytes, str]) -> None:
    """What is remembered of earlier messages changes nothing: a fresh feed and a used one give the same translation."""
    used = SourceProfile("used", zone="UTC", options={"run": one[0].hex()})
    FORM.translate(one[0], used)
    FORM.translate(other[0], used)
    again = FORM.translate(one[0], used)
    fresh = SourceProfile("used", zone="UTC", options={"run": one[0].hex() + "0"})
    assert again == FORM.translate(one[0], fresh)


@given(
    st.lists(st.one_of(messages(st.just("|^~\\&")).map(lambda drawn: drawn[0]), st.binary(max_size=30)), max_size=4),
    st.sampled_from([b"", b"\r\n\r\n"]),
)
@settings(max_examples=150, deadline=None)
def test_no_byte_of_a_delivery_is_lost(parts: list[bytes], between: bytes) -> None:
    """Messages, noise, blank lines, in any order: the pieces of the units are the delivery."""
    raw = between.join(parts)
    kit = FormatKit(FORM, PROFILE, related=lambda span, value, text: True)
    for unit in kit.check_nothing_lost(raw):
        kit.check_unit(unit.raw)
    assert FORM.write(raw) == raw


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_answered(raw: bytes) -> None:
    """Nothing raises, whatever the bytes, also behind a header."""
    kit = FormatKit(FORM, PROFILE, related=lambda span, value, text: True)
    for text in (raw, b"MSH" + raw, b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5\rPID|" + raw, b"FHS|^~\\&|" + raw):
        for unit in kit.check_nothing_lost(text):
            kit.check_unit(unit.raw)
        kit.check_unit(text)


def test_a_few_seconds_of_fuzzing() -> None:
    """Own messages with bytes flipped, cut, doubled and moved."""
    fuzz(3)


@pytest.mark.long
def test_longer_fuzzing() -> None:
    """The same for as long as one likes (FUZZ_SECONDS), with other bytes every day."""
    fuzz(float(os.environ.get("FUZZ_SECONDS", "60")), int(time.time()) // 86400)


def fuzz(seconds: float, seed: int = 7) -> None:
    """Torture until the time is over."""
    samples = [path.read_bytes() for path in FILES]
    kit = FormatKit(FORM, PROFILE, related=lambda span, value, text: True)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        kit.torture(samples, 20, seed)
        seed += 1
