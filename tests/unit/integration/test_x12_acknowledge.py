"""Acknowledgements: 999 and 997 say of every set what is wrong with it, by segment, element and code."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from trivet.integration.formats.x12.acknowledge import acknowledge

GOLDEN = Path(__file__).parents[2] / "golden/x12"
MOMENT = datetime(2026, 3, 2, 7, 30)


def answer(raw: bytes) -> list[list[str]]:
    """The acknowledgement's segments as elements."""
    text = acknowledge(raw, MOMENT, 42).decode()
    return [part.strip().split(text[3]) for part in text.split(text[105]) if part.strip()]


def claims(*changes: tuple[bytes, bytes]) -> bytes:
    """The professional claims, changed."""
    raw = (GOLDEN / "claims_837p.edi").read_bytes()
    for old, new in changes:
        assert old in raw
        raw = raw.replace(old, new, 1)
    return raw


def of(name: str, found: list[list[str]]) -> list[list[str]]:
    """Segments of one name, without it."""
    return [elements[1:] for elements in found if elements[0] == name]


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.edi")), ids=lambda file: file.stem)
def test_a_file_without_fault_is_accepted(file: Path) -> None:
    """Every set is A, every group is A, and the answer's own counts are right."""
    found = answer(file.read_bytes())
    assert {elements[0] for elements in of("IK5", found) + of("AK5", found)} == {"A"}
    assert {elements[0] for elements in of("AK9", found)} == {"A"}
    assert of("GE", found)[0][0] == str(len(of("ST", found)))
    for number, end in enumerate(of("SE", found)):
        start = [place for place, elements in enumerate(found) if elements[0] == "ST"][number]
        stop = [place for place, elements in enumerate(found) if elements[0] == "SE"][number]
        assert end[0] == str(stop - start + 1)


def test_the_answer_goes_back_to_the_sender_in_its_separators() -> None:
    """Sender and receiver change places; time, number and separators are those given."""
    found = answer((GOLDEN / "claims_837i.edi").read_bytes())
    assert found[0][5:9] == ["ZZ", "RECEIVER01     ", "ZZ", "SENDER001      "]
    assert found[0][9:11] == ["260302", "0730"]
    assert found[0][13] == "000000042"
    assert of("GS", found)[0][:3] == ["FA", "RECEIVER01", "SENDER001"]


def test_a_missing_segment_is_named_with_its_position() -> None:
    """Without loop 2010AA the set is rejected: segment NM1, code 3, at the position where it was noticed."""
    loop = b"NM1*85*2*RIVERBEND CLINIC*****XX*1234567893~\nN3*10 MILL ROAD*SUITE 4~\nN4*RIVERBEND*OR*970010000~\nREF*EI*930000001~\n"
    found = answer(claims((loop, b""), (b"SE*59", b"SE*55")))
    assert of("IK3", found) == [["NM1", "8", "", "3"]]
    assert of("IK5", found) == [["R", "5"]]


def test_wrong_elements_are_named_with_reference_number_and_code() -> None:
    """A date that does not exist (8), a code outside the guide (7), an overlong one (5), a missing one (1)."""
    found = answer(
        claims(
            (b"DMG*D8*19580612*F", b"DMG*D8*19581312*Q"),
            (b"NM1*40*2*LARCH HEALTH PLAN*****46*", b"NM1*40**LARCH HEALTH PLAN*****47*"),
            (b"NM1*PR*2*LARCH HEALTH PLAN*****PI*LHP~\nCLM", b"NM1*PR*2*LARCH HEALTH PLAN*****PIXX*LHP~\nCLM"),
        )
    )
    assert of("IK4", found) == [
        ["2", "1065", "1"],
        ["8", "66", "7", "47"],
        ["2", "1251", "8", "19581312"],
        ["3", "1068", "7", "Q"],
        ["8", "66", "5", "PIXX"],
        ["8", "66", "7", "PIXX"],
    ]


def test_counts_and_control_numbers_are_codes_of_their_level() -> None:
    """SE01 wrong is 4 of the set, GE02 wrong 4 of the group, IEA02 wrong 001 of the interchange."""
    found = answer(claims((b"SE*59", b"SE*58"), (b"GE*1*101", b"GE*1*109"), (b"IEA*1*000000101", b"IEA*1*000000109")))
    assert of("IK5", found) == [["R", "4"]]
    assert of("AK9", found)[0][4:] == ["4"]
    assert of("TA1", found) == [["000000101", "260301", "0915", "R", "001"]]


def test_a_4010_file_is_answered_by_a_997() -> None:
    """Version 4010 knows AK3 and AK5, and no IK."""
    raw = claims((b"005010X222A1", b"004010X098A1"), (b"*005010X222A1~", b"~"), (b"*00501*", b"*00401*"))
    found = answer(raw)
    assert of("ST", found)[0][0] == "997"
    assert of("AK5", found)
    assert not of("IK5", found)


def test_an_unknown_set_is_not_accepted() -> None:
    """Nobody here reads an 850: code 1 of the set."""
    raw = b"ISA*00*          *00*          *ZZ*A              *ZZ*B              *260301*0915*^*00501*000000001*0*T*:~"
    raw += b"GS*PO*A*B*20260301*0915*1*X*005010~ST*850*0001~BEG*00~SE*3*0001~GE*1*1~IEA*1*000000001~"
    assert of("IK5", answer(raw)) == [["R", "1"]]


def test_no_interchange_no_answer() -> None:
    """There is nobody to answer to."""
    assert acknowledge(b"hello", MOMENT, 1) == b""
