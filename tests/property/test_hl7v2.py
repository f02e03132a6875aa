"""What must hold for any HL7 v2 delivery: nothing lost, every leaf once, every value from the bytes that its span names."""

from __future__ import annotations

import os
import random
import re
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
FORMS, ROWS = SourceProfile("both", zone="America/Chicago"), SourceProfile("both", zone="America/Chicago", options={"forms": False})
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


@given(messages(st.just("|^~\\&")))
@settings(max_examples=60, deadline=None)
def test_forms_say_of_any_message_what_the_rows_say(drawn: tuple[bytes, str]) -> None:
    """Forms are learned from the message and told of it again: the rows alone give the same records, lineage, account and notices."""
    raw, _ = drawn
    plain = FORM.translate(raw, ROWS)
    for _ in range(4):
        assert FORM.translate(raw, FORMS) == plain


def test_forms_say_of_other_values_what_the_rows_say() -> None:
    """Every kind of message of the golden files, again and again with other values in its places: a form learned from one says of the
    next what the rows say of it, whether its texts are equal, unknown, wrong or missing."""
    compare_with_rows(random.Random(7), 8)


@pytest.mark.long
def test_forms_and_rows_for_longer() -> None:
    """The same with many more values, other ones every day."""
    compare_with_rows(random.Random(int(time.time()) // 86400), 300)


def moved(dice: random.Random, raw: bytes) -> bytes:
    """A field said twice, a segment twice, a segment that says nothing, two that changed places: in one message of three."""
    segments = raw.split(b"\r")
    if len(segments) < 4 or dice.random() < 0.67:
        return raw
    at, other = dice.randrange(1, len(segments)), dice.randrange(1, len(segments))
    fields = segments[at].split(b"|")
    number, what = dice.randrange(len(fields)), dice.random()
    if what < 0.6 and number:
        fields[number] += b"~" + fields[number]
        segments[at] = b"|".join(fields)
    elif what < 0.75:
        segments.insert(other, segments[at])
    elif what < 0.85:
        segments[at] = fields[0] + b"|"
    else:
        segments[at], segments[other] = segments[other], segments[at]
    return b"\r".join(segments)


HEAD = b"MSH|^~\\&|A|B|C|D|20260301||%s|7|P|2.5.1\r"
TWICE_SAID = HEAD % b"OML^O21" + b"PID|1||77\rORC|NW|1||||||||||||^WPN^PH^^^313^3456789\rOBR|1|1||5^T^L|||||||||||||^WPN^PH^^^313^5551212\r"
NOTHING_SAID = HEAD % b"ORU^R01" + b"PID|\rNK1|1|A^B|MTH\rOBR|1|1||5^T^L\r"


ENDS_TWICE = (
    b"MSH|^~\\&|A|B|C|D|20260301||ADT^A01|1|P|2.5\rPID|1||77^^^NORTH^MR||Ode^Ann\rNK1|1|Ode^Lou|SPO"
    + b"|" * 29
    + b"1 Main St^^Oak Park^IL^60301^USA^H^^^^^20220501&20230501^^20230601\r"
)


@pytest.mark.parametrize(
    "raw",
    [TWICE_SAID, NOTHING_SAID, ENDS_TWICE],
    ids=["a telephone twice", "a patient of whom nothing is said", "an address that ends twice"],
)
def test_the_same_bytes_give_the_same_translation_however_often(raw: bytes) -> None:
    """Met by fuzzing: which rule dropped a part that was said before, and what a record without content is called, do not depend on what
    was translated before."""
    plain = FORM.translate(raw, ROWS)
    assert all(record.resource["id"] for record in plain.records)
    for _ in range(4):
        assert FORM.translate(raw, FORMS) == plain


def compare_with_rows(dice: random.Random, times: int) -> None:
    """Translate variants of the golden messages with forms and without."""
    samples = [unit.raw.replace(b"\r\n", b"\r").replace(b"\n", b"\r") for path in FILES for unit in FORM.split(path.read_bytes())]
    texts = [text for raw in samples for text in re.split(rb"[|^~&\r]+", raw) if text]
    words = [
        b'""',
        b" ",
        b"X",
        b"M",
        b"Y",
        b"20260301",
        b"202613",
        b"1.5",
        b"<5",
        b"ST",
        b"NM",
        b"CWE",
        b"A A",
        b"A ",
        b" A",
        b"NORTH",
        b"\xc3\x84",
        b"\\T\\",
    ]
    told = 0
    for number in range(times * len(samples)):
        parts = re.split(rb"([|^~&\r]+)", samples[number % len(samples)])
        for place in dice.sample(range(10, len(parts), 2), min(4, max(0, len(parts) // 2 - 6))) if len(parts) > 30 else ():
            parts[place] = dice.choice(words if dice.random() < 0.5 else texts)
        raw = moved(dice, b"".join(parts))
        assert FORM.translate(raw, FORMS) == FORM.translate(raw, ROWS), raw
        told += 1
    assert told == times * len(samples)


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
