"""What was remembered of X12 (moves, patterns, forms) changes no answer: rows and forms say the same, cold and warm too."""

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
from trivet.integration.formats.x12.moves import books

GOLDEN = Path(__file__).parents[1] / "golden/x12"
FILES = [path.read_bytes().decode() for path in sorted(GOLDEN.glob("*.edi"))]
FORMAT, MOMENT = X12Format(), datetime(2026, 3, 2)
FORMS, ROWS = SourceProfile("both", zone="America/Chicago"), SourceProfile("both", zone="America/Chicago", options={"forms": False})
VALUES = [
    *(
        "",
        "X",
        " A",
        "A ",
        "A  B",
        "-",
        "1E5",
        "20240229",
        "20261399",
        "20260101-20250101",
        "202601011230",
        "0",
        "-5",
        "007",
        ".5",
        "1.",
        "12.30",
    ),
    *(
        "9" * 24,
        "0." + "0" * 14 + "1",
        "A" * 90,
        "A:B",
        "A^B",
        "HC:99213:25",
        "ABK:R69",
        "8",
        "22",
        "QC",
        "XX",
        "MI",
        "D8",
        "RD8",
        "18",
        "\u00e9",
        "\x01",
    ),
]
NUMBERS = st.integers(0, 10_000)
CHANGES = st.lists(st.tuples(st.sampled_from(["value", "value", "value", "drop", "copy", "swap"]), NUMBERS, NUMBERS, NUMBERS), max_size=4)


def changed(text: str, changes: list[tuple[str, int, int, int]]) -> bytes:
    """The file with other values, and segments gone, doubled or changed about. ISA stays."""
    separator, terminator = text[3], text[105]
    parts = text.split(terminator)
    for what, one, two, three in changes:
        at, other = 1 + one % (len(parts) - 2), 1 + two % (len(parts) - 2)
        elements = parts[at].split(separator)
        if what == "drop" and len(parts) > 6:
            del parts[at]
        elif what == "copy":
            parts.insert(at, parts[other])
        elif what == "swap":
            parts[at], parts[other] = parts[other], parts[at]
        elif what == "value" and len(elements) > 1:
            elements[1 + two % (len(elements) - 1)] = VALUES[three % len(VALUES)]
            parts[at] = separator.join(elements)
    return terminator.join(parts).encode("latin-1")


def said(told: Translation) -> tuple[object, ...]:
    """All of it, elements of records in their order."""
    return tuple(repr(one.resource) for one in told.records), told


def holds(text: str, changes: list[tuple[str, int, int, int]]) -> None:
    """The file by rows and by forms, with its units; its acknowledgement when nothing is remembered, and after good files."""
    raw = changed(text, changes)
    for one in [raw, *(unit.raw for unit in FORMAT.split(raw))]:
        rows = said(FORMAT.translate(one, ROWS))
        for _ in range(3):
            assert said(FORMAT.translate(one, FORMS)) == rows
    books.clear()
    cold = acknowledge(raw, MOMENT, 1)
    for _ in range(3):
        acknowledge(text.encode("latin-1"), MOMENT, 1)
    assert acknowledge(raw, MOMENT, 1) == cold


@given(st.sampled_from(FILES), CHANGES)
@settings(max_examples=40, deadline=None)
def test_what_is_remembered_changes_no_answer(text: str, changes: list[tuple[str, int, int, int]]) -> None:
    """Forty draws of values at random, segments gone and doubled."""
    holds(text, changes)


@pytest.mark.long
@given(st.sampled_from(FILES), CHANGES)
@settings(max_examples=1500, deadline=None)
def test_the_same_for_longer(text: str, changes: list[tuple[str, int, int, int]]) -> None:
    """Fifteen hundred."""
    holds(text, changes)
