"""Elements of every set against the dictionary and against the codes of their place: what is wrong is named, what is right is not."""

from __future__ import annotations

from datetime import datetime

import pytest

from trivet.contracts.profile import SourceProfile
from trivet.integration.formats.x12 import X12Format
from trivet.integration.formats.x12.acknowledge import acknowledge
from trivet.testing.kits.format import FormatKit

MOMENT = datetime(2026, 3, 2, 7, 30)
HEAD = "ISA*00*          *00*          *ZZ*ALDER          *ZZ*BIRCH          *260301*0915*^*00501*000000001*0*T*:~"


def file(kind: str, group: str, guide: str, *body: str, mark: str = "~") -> bytes:
    """One set in an interchange, its counts right."""
    lines = [f"ST*{kind}*0001*{guide}", *body, f"SE*{len(body) + 2}*0001"]
    whole = [HEAD[:-1], f"GS*{group}*ALDER*BIRCH*20260301*0915*1*X*{guide}", *lines, "GE*1*1", "IEA*1*000000001"]
    return "".join(f"{line}{mark}" for line in whole).encode()


def errors(raw: bytes) -> list[tuple[str, ...]]:
    """Segment, element and code of everything said about an element; segments by name and code."""
    found: list[tuple[str, ...]] = []
    name = ""
    for part in acknowledge(raw, MOMENT, 1).decode().split("~"):
        elements = part.strip().split("*")
        if elements[0] == "IK3":
            name = elements[1]
            found += [(name, elements[4])] if elements[4] != "8" else []
        elif elements[0] == "IK4":
            found.append((name, elements[1], elements[3]))
    return found


ANSWER = (
    *("BHT*0022*11*T1*20260301*0915", "HL*1**20*1", "NM1*PR*2*LARCH*****PI*LHP", "HL*2*1*21*1", "NM1*1P*2*MILL*****XX*1234567893"),
    *("HL*3*2*22*0", "NM1*IL*1*FENN*ADA****MI*A1", "EB*1**30^35*HM*GOLD*27*10**VS*2*Y*N*HC:99213"),
)
STATUS = (
    *(
        "BHT*0085*08*T1*20260301*0915*TH",
        "HL*1**20*1",
        "NM1*PR*2*LARCH*****PI*LHP",
        "TRN*1*7",
        "DTP*050*D8*20260301",
        "DTP*009*D8*20260301",
    ),
    *("HL*2*1*21*1", "NM1*41*2*MILL*****46*M1", "TRN*2*8", "STC*A1:19:PR*20260301*WQ*365.5"),
)
MEMBER = (
    *("BGN*00*12456*20260301*0915****2", "N1*P5**FI*999888777", "N1*IN**FI*654456654", "INS*Y*18*030**A", "REF*0F*123456789"),
    *("NM1*IL*1*FENN*ADA", "N3*1 MILL ROAD", "N4*ALDERTON*OR*97001", "DMG*D8*19800102*F", "HD*030**HLT", "DTP*348*D8*20260101"),
)
SETS = {
    "271": ("271", "HB", "005010X279A1", ANSWER),
    "277": ("277", "HN", "005010X214", STATUS),
    "834": ("834", "BE", "005010X220A1", MEMBER),
}


@pytest.mark.parametrize("name", SETS)
def test_what_is_right_is_accepted(name: str) -> None:
    """A list of service types, a member without reason for the change, a status of a receiver: nothing is wrong with them."""
    kind, group, guide, body = SETS[name]
    assert errors(file(kind, group, guide, *body)) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("271", "*GOLD*", "*" + 51 * "G" + "*", ("EB", "5", "5")),  # too long
        ("271", "*27*10*", "*27*ten*", ("EB", "7", "6")),  # no number
        ("271", "HC:99213", "HC", ("EB", "13:2", "1")),  # a composite without what it must have
        ("271", "HC:99213", "HC:99213*1:2:3:4:5", ("EB", "14:5", "13")),  # a component too many
        ("277", "A1:19:PR", "A1", ("STC", "1:2", "1")),
        ("277", "*WQ*365.5", "*WQX*365.5", ("STC", "3", "5")),
        ("277", "*20260301*WQ", "*20261301*WQ", ("STC", "2", "8")),
        ("834", "HD*030**HLT", "HD*030**QQQ", ("HD", "3", "7")),  # no code of this place
        ("834", "REF*0F", "REF*QX", ("REF", "1", "7")),
        ("834", "INS*Y*18", "INS*Y*QQ", ("INS", "2", "7")),
        ("834", "DTP*348*D8*20260101", "DTP*999*D8*20260101", ("DTP", "1", "7")),
        ("834", "DMG*D8*19800102*F", "DMG*D8*19800102*F**:RET:2131-1^:QQQ:1002-5", ("DMG", "5:2", "7")),  # the second of two
    ],
)
def test_what_is_wrong_is_named(name: str, old: str, new: str, found: tuple[str, ...]) -> None:
    """Segments of every set are held against the dictionary, and qualifiers against the codes of their place."""
    kind, group, guide, body = SETS[name]
    changed = [line.replace(old, new, 1) for line in body]
    assert list(body) != changed
    assert errors(file(kind, group, guide, *changed)) == [found]


def test_a_date_of_a_wrong_length_is_named_twice() -> None:
    """It is no date, and it is too long or too short."""
    changed = [line.replace("*19800102*", "*198001021*") for line in MEMBER]
    assert errors(file(*SETS["834"][:3], *changed)) == [("DMG", "2", "8")]  # a period of 1 to 35 characters
    changed = [line.replace("*20260301*", "*2026031*") for line in STATUS]
    assert errors(file(*SETS["277"][:3], *changed))[:2] == [("BHT", "4", "4"), ("BHT", "4", "8")]


def test_an_answer_asks_for_what_reading_can_do_without() -> None:
    """The other insurance of a member says whether its benefits are coordinated: COB03."""
    assert errors(file(*SETS["834"][:3], *MEMBER, "COB*P*890111*5")) == []
    assert errors(file(*SETS["834"][:3], *MEMBER, "COB*P*890111")) == [("COB", "3", "1")]


def test_an_answer_in_lines_has_no_empty_line() -> None:
    """Where a line end is the terminator it stands once."""
    assert b"\n\n" not in acknowledge(file(*SETS["834"][:3], *MEMBER, mark="\n"), MOMENT, 1)


def test_the_mark_with_which_old_systems_end_a_file_is_no_segment() -> None:
    """Control-Z and zeros behind IEA: the interchange is whole."""
    raw = file(*SETS["834"][:3], *MEMBER).replace(b"*0*T*:", b"*1*T*:")
    for tail in (b"\n\x1a", b"\x00\x00\x00", b"\r\n\x1a\r\n"):
        assert b"TA1*000000001*260301*0915*A*000" in acknowledge(raw + tail, MOMENT, 1)
        kit = FormatKit(X12Format(), SourceProfile("billing"), related=lambda span, value, text: True)
        assert not [reject for _, one in kit.check(raw + tail) for reject in one.rejects]
    assert b"*R*022" in acknowledge(raw + b"REF*1~", MOMENT, 1)
