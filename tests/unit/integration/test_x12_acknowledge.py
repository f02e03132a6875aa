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


def line(name: str) -> bytes:
    """A whole segment of the professional claims that begins so."""
    text = (GOLDEN / "claims_837p.edi").read_text()
    return next(part for part in text.splitlines(keepends=True) if part.startswith(name)).encode()


@pytest.mark.parametrize(
    ("before", "put", "found"),
    [
        ("HI*ABK:I10", b"QQ*1~\n", ["QQ", "26", "", "1"]),  # no set has it
        ("HI*ABK:I10", b"CLP*1~\n", ["CLP", "26", "", "6"]),  # another set has it
        ("HI*ABK:I10", b"SV1*HC:99214*150.50*UN*1***1~\n", ["SV1", "26", "", "2"]),  # its loop is not open
        ("LX*1", b"DTP*431*D8*20260101~\n", ["DTP", "29", "", "7"]),  # its place is passed
    ],
)
def test_a_segment_that_cannot_be_placed_says_why(before: str, put: bytes, found: list[str]) -> None:
    """1 unrecognised, 6 not in this set, 2 not where it stands; in a 997 all but 6 are 1."""
    told = of("IK3", answer(claims((line(before), put + line(before)))))
    assert found in told


def test_a_segment_behind_its_place_is_out_of_sequence() -> None:
    """DTP of the claim behind its HI: 7 in a 999, 1 in a 997."""
    late = (line("HI*ABK:I10"), line("HI*ABK:I10") + b"DTP*431*D8*20260101~\n")
    assert ["DTP", "27", "", "7"] in of("IK3", answer(claims(late)))
    old = [(b"005010X222A1", b"004010X098A1"), (b"*005010X222A1~", b"~"), (b"*00501*", b"*00401*")]
    assert {elements[3] for elements in of("AK3", answer(claims(late, *old))) if elements[0] == "DTP"} == {"1"}


def test_counts_over_the_maximum_are_named() -> None:
    """5: a segment too often; 4: a loop too often."""
    payer = line("NM1*PR")
    assert ["NM1", "20", "", "4"] in of("IK3", answer(claims((payer, payer + payer))))
    birth = line("DMG*")
    assert ["DMG", "18", "", "5"] in of("IK3", answer(claims((birth, birth + birth))))


def test_what_a_situation_asks_for_or_excludes() -> None:
    """SBR02 says that the subscriber is the patient: I6 without his address, I9 with a dependent's level below."""
    found = of("IK3", answer(claims((line("N3*7 ORCHARD"), b""))))
    assert [(elements[0], elements[3]) for elements in found] == [("N3", "I6")]
    found = of("IK3", answer(claims((b"HL*3*1*22*1~\nSBR*P**GRP9", b"HL*3*1*22*0~\nSBR*P**GRP9"))))
    assert [(elements[0], elements[3]) for elements in found] == [("HL", "I9")]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (b"NM1*40*2*", b"NM1*40**", ["2", "1065", "1"]),
        (b"REF*EA*MRN-77", b"REF*EA*", ["2", "127", "1"]),
        (b"NM1*82*1*BLOM*TESSA****XX*1888888882", b"NM1*82*1*BLOM*TESSA****XX", ["9", "67", "2"]),
        (b"N4*RIVERBEND*OR*97001~\nDMG", b"N4*RIVERBEND*OR*97001***X~\nDMG", ["5", "309", "2"]),
        (b"REF*EA*MRN-77", b"REF*EA*MRN-77***9", ["5", "", "3", "9"]),
        (b"REF*SY*900000001", b"REF*S*900000001", ["1", "128", "4", "S"]),
        (b"REF*SY*900000001", b"REF*SYYY*900000001", ["1", "128", "5", "SYYY"]),
        (b"SV1*HC:J1100*60.00", b"SV1*HC:J1100*6O.00", ["2", "782", "6", "6O.00"]),
        (b"REF*EA*MRN-77", b"REF*EA*MRN:77", ["2", "127", "6", "MRN 77"]),
        (b"DMG*D8*19580612*F", b"DMG*D8*19580612*Q", ["3", "1068", "7", "Q"]),
        (b"DTP*439*D8*20260214", b"DTP*439*D8*20260231", ["3", "1251", "8", "20260231"]),
        (b"BHT*0019*00*B0001*20260301*0915", b"BHT*0019*00*B0001*20260301*2515", ["5", "337", "9", "2515"]),
        (b"N4*RIVERBEND*OR*97001~\nDMG", b"N4*RIVERBEND*OR*97001****ON~\nDMG", ["7", "1715", "10", "ON"]),
        (b"REF*EA*MRN-77", b"REF*EA*MRN-77^MRN-78", ["2", "127", "12", "MRN-77 MRN-78"]),
        (b"***11:B:1*Y*A*Y*Y*P", b"***11:B:1:2*Y*A*Y*Y*P", ["5:4", "", "13", "2"]),
    ],
)
def test_every_class_of_element_fault_is_named(old: bytes, new: bytes, found: list[str]) -> None:
    """IK403: missing (1), asked for by another (2), too many (3), short (4), long (5), character (6), code (7), date (8), time (9),
    excluded (10), repeated (12), too many components (13)."""
    assert found in of("IK4", answer(claims((old, new))))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"ISA*00*", b"ISA*XX*", "010"),
        (b"ISA*00*", b"ISA*03*", "011"),
        (b"          *00*          *ZZ*S", b"          *09*          *ZZ*S", "012"),
        (b"          *00*          *ZZ*S", b"          *01*          *ZZ*S", "013"),
        (b"*ZZ*SENDER001      *", b"*  *SENDER001      *", "005"),
        (b"*ZZ*SENDER001      *", b"*ZZ*               *", "006"),
        (b"*ZZ*RECEIVER01     *", b"*  *RECEIVER01     *", "007"),
        (b"*ZZ*RECEIVER01     *", b"*ZZ*               *", "008"),
        (b"*260301*0915*^", b"*261301*0915*^", "014"),
        (b"*260301*0915*^", b"*260301*2515*^", "015"),
        (b"*00501*", b"*0050A*", "017"),
        (b"*00501*", b"*00999*", "003"),
        (b"*000000101*1*T", b"*00000010A*1*T", "018"),
        (b"*1*T*:~", b"*1*Z*:~", "020"),
        (b"IEA*1*000000101", b"IEA*1*000000102", "001"),
        (b"IEA*1*000000101", b"IEA*3*000000101", "021"),
        (b"IEA*1*000000101~\n", b"", "023"),
        (b"GS*HC*SENDER001*RECEIVER01*20260301*0915*101*X*005010X222A1", b"GS*HC*SENDER001*RECEIVER01*20260301*0915*101", "024"),
        (b"GE*1*101~\n", b"GE*1*101~\nREF*EA*1~\n", "022"),
    ],
)
def test_every_class_of_interchange_fault_is_a_note_of_ta1(old: bytes, new: bytes, code: str) -> None:
    """The interchange is rejected with the code of what is wrong with its envelope."""
    assert of("TA1", answer(claims((old, new))))[0][3:] == ["R", code]


def test_an_acknowledgement_that_is_not_asked_for_properly_and_a_repeated_interchange() -> None:
    """ISA14 is neither 0 nor 1: there is no TA1, and the fault is known all the same; the same interchange twice is 025."""
    assert not of("TA1", answer(claims((b"*000000101*1*T", b"*000000101*7*T"))))
    twice = answer(claims() + claims())
    assert [elements[3:] for elements in of("TA1", twice)] == [["A", "000"], ["R", "025"]]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"GS*HC*", b"GS*PO*", "1"),
        (b"*101*X*005010X222A1", b"*101*X*X222", "2"),
        (b"GE*1*101~\n", b"", "3"),
        (b"GE*1*101", b"GE*1*102", "4"),
        (b"GE*1*101", b"GE*2*101", "5"),
        (b"*0915*101*X", b"*0915*1A1*X", "6"),
    ],
)
def test_every_class_of_group_fault_is_named(old: bytes, new: bytes, code: str) -> None:
    """AK905."""
    assert code in of("AK9", answer(claims((old, new))))[0][4:]


def test_groups_of_one_number_and_guides_that_nobody_reads() -> None:
    """The same GS06 twice in an interchange is 19; a claim by a guide that is not known is I6 of its set, a nameless set is 6."""
    raw = (GOLDEN / "groups.edi").read_bytes().replace(b"+502+X+", b"+501+X+").replace(b"GE+1+502", b"GE+1+501")
    assert [elements[4:] for elements in of("AK9", answer(raw))][1] == ["19"]
    found = answer(claims((b"*101*X*005010X222A1", b"*101*X*005010X999"), (b"*0001*005010X222A1", b"*0001*005010X999")))
    assert of("IK5", found) == [["R", "I6"]]
    assert "6" in of("IK5", answer(claims((b"ST*837*", b"ST*8Z7*"))))[0]
