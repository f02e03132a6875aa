"""Any HL7 v2 message, and an account of its leaves that has nothing in common with the reader but the separators."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from functools import cache

from hypothesis import strategies as st

from trivet.integration.tables import table
from trivet.wiring.suites.hl7v2_reread import STANDARD, comes_from

__all__ = ["SEPARATORS", "comes_from", "leaves_of", "messages"]

SEPARATORS = st.sampled_from([STANDARD, STANDARD, "|~^\\&", "#*@!%", "%$:?;", "|^~\\&#"])
KINDS = [
    "ADT^A01", "ADT^A08", "ADT^A03", "ADT^A11", "ADT^A40", "ADT^A31", "ORU^R01", "ORM^O01", "OML^O21", "OMG^O19", "ORL^O22",
    "SIU^S12", "SIU^S15", "MDM^T02", "VXU^V04", "DFT^P03", "BAR^P01", "RDE^O11", "RDS^O13", "PPR^PC1", "REF^I12", "ACK", "QRY^A19",
    "MFN^M02", "XYZ^Q99",
]  # fmt: skip
VALUES = [
    "20260301", "202603011230", "20260301123015.25-0600", "19991301", "1", "5.10", "<0.5", "1.5E3", "M", "F", "U", "MR", "SS",
    "LN", "I10", "SCT", "H", "HL70063", "2.16.840.1.113883.6.1", "ISO", "NORTH", "Y", "N", "NM", "ST", "CWE", "SN", "TS", "ED",
    "TX", "L", "PRN", "NET", "PH", "CP", "A", "C", "D", "X", "OK", "RE", "CM", "NW", "CA", "I", "O", "E", "mg/dL", "3.5-5.0",
    ">", ":", "-", '""', " ", "Ann", "10^3/uL", "AA", "DA", "SV", "Base64",
]  # fmt: skip


@cache
def _segments() -> dict[str, list[str]]:
    """Segment -> kinds whose plan speaks of it."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in table("hl7v2/messages.csv", "messages", "segment"):
        found[row["segment"]].append(row["messages"])
    return dict(found)


@st.composite
def messages(draw: st.DrawFn, separators: st.SearchStrategy[str] = SEPARATORS) -> tuple[bytes, str]:
    """A message with any segments in any order and anything in their fields, and its separators."""
    marks = draw(separators)
    field, component, repetition, escape, subcomponent = marks[:5]
    clean = str.maketrans({mark: f"{escape}{name}{escape}" for mark, name in zip(marks[:5], "FSRET", strict=True)})
    word = st.one_of(
        st.sampled_from(VALUES).map(lambda text: text.translate(clean)),
        st.text("abzÄ9 .-/" + "山", max_size=6),
        st.sampled_from(
            [f"a{escape}T{escape}b", f"{escape}X4142{escape}", f"{escape}.br{escape}x", f"{escape}Zq{escape}", f"{escape}open"]
        ),
    )
    part = st.lists(word, min_size=1, max_size=3).map(subcomponent.join)
    value = st.lists(st.one_of(word, word, part), min_size=1, max_size=6).map(component.join)
    texts = st.lists(value, min_size=1, max_size=2).map(repetition.join)
    fields = st.lists(st.one_of(st.just(""), texts), max_size=24).map(field.join)
    names = st.sampled_from([*sorted(_segments()), "ZPI", "QQQ"])
    lines = draw(st.lists(st.tuples(names, fields), max_size=10))
    kind = draw(st.sampled_from(KINDS)).replace("^", component)
    head = field.join(["LAB", "NORTH", "EHR", "", "20260301075500", "", kind, "M1", "P", "2.5.1", *[""] * 5, "UNICODE UTF-8"])
    end = draw(st.sampled_from(["\r", "\n", "\r\n"]))
    body = [f"MSH{marks}{field}{head}", *(f"{name}{field}{text}" for name, text in lines if name != "MSH")]
    return (end.join(body) + end).encode(), marks


NAMES = re.compile(rb"(?:MSH|BHS|BTS|FHS)+(?=(?:BTS|FTS)(?:[^A-Z0-9]|\Z))")


def leaves_of(marks: str) -> Callable[[bytes], set[tuple[int, int]]]:
    """Non-empty leaves by walking byte by byte."""
    inner = {ord(mark) for mark in (marks[0], marks[1], marks[2], marks[4])}

    def walk(raw: bytes) -> set[tuple[int, int]]:
        found, at = set(), 0
        for line in raw.replace(b"\n", b"\r").split(b"\r"):
            closed = NAMES.match(line)  # a batch's trailer has the names of what it closes in front of it
            if closed is not None:
                at, line = at + closed.end(), line[closed.end() :]
            begin = 4
            if line[:3] in (b"MSH", b"FHS", b"BHS"):
                begin = 4 + len(marks)
                found |= {(at + 3, 1), (at + 4, len(marks) - 1)}
            start = begin
            for place in range(begin, len(line) + 1):
                if place == len(line) or line[place] in inner:
                    if place > start:
                        found.add((at + start, place - start))
                    start = place + 1
            at += len(line) + 1
        return found

    return walk
