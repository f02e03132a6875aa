"""HL7 v2 bytes: every place has its span, every byte comes back, every delimiter and character set is read as declared."""

from __future__ import annotations

import pytest

from trivet.integration.formats.hl7v2.escapes import Separators, escape, unescape
from trivet.integration.formats.hl7v2.format import Hl7v2Format
from trivet.integration.formats.hl7v2.reader import Message, NotHl7v2
from trivet.integration.formats.hl7v2.split import own, split
from trivet.integration.formats.hl7v2.writer import compose, rewrite

MESSAGE = (
    b"MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260301075500+0100||ORU^R01^ORU_R01|M1|P|2.5.1\r"
    b"PID|1||100^^^NORTH&1.2.3&ISO^MR~200^^^SSA^SS||Ode^Ann^B.\r"
    b"OBX|1|NM|718-7^Hemoglobin^LN||13.10|g/dL\r"
)


def test_every_locator_names_its_bytes() -> None:
    """A locator gives the offset and length of exactly the text that it names, down to the subcomponent."""
    message = Message(MESSAGE)
    for locator, text in {
        "PID-3[2].1": "200",
        "PID-3[1].4.2": "1.2.3",
        "PID[1]-5[1].3": "B.",
        "OBX[1]-5": "13.10",
        "MSH-1": "|",
        "MSH-2": "^~\\&",
        "MSH-9.3": "ORU_R01",
    }.items():
        offset, length = message.span(locator)
        assert MESSAGE[offset : offset + length].decode() == text
        assert message.get(locator) == text


def test_absent_places_are_empty_and_have_no_span() -> None:
    """What is not there reads as nothing and never as something nearby."""
    message = Message(MESSAGE)
    assert message.get("PID-40") == message.get("OBX[2]-5") == message.get("PID-3[3].1") == ""
    with pytest.raises(KeyError):
        message.span("PID-3[3].1")
    with pytest.raises(ValueError, match="not a place"):
        message.get("PID")


def test_declared_delimiters_are_used() -> None:
    """MSH-1 and MSH-2 decide, whatever characters they name, the truncation character of 2.7 included."""
    message = Message(b"MSH#*@!%$#A#B\rPID#1##7*x%y*z@8##N!T!R\r")
    assert message.get("PID-3.2.2") == "y"
    assert message.get("PID-3[2]") == "8"
    assert message.separators.truncation == "$"
    assert message.get("PID-5") == "N%R"


def test_escapes_of_the_standard() -> None:
    """All sequences of chapter 2.7; unknown and unclosed ones stay as they are."""
    use = Separators(truncation="#")
    assert unescape("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\\P\\", use, "ascii") == "a|b^c&d~e\\f#"
    assert unescape("\\H\\bold\\N\\ \\X41C2\\ x", use, "latin-1") == "bold A\u00c2 x"
    assert unescape("one\\.br\\two\\.sp2\\three\\.in+4\\", use, "ascii") == "one\ntwo\n\nthree"
    assert unescape("\\Zlocal\\ and open\\", use, "ascii") == "\\Zlocal\\ and open\\"
    assert unescape(escape("x|^~\\&#\ny", use), use, "ascii") == "x|^~\\&#\ny"


@pytest.mark.parametrize(
    ("declared", "codec", "name"),
    [
        ("8859/1", "iso8859-1", "Müller"),
        ("8859/2", "iso8859-2", "Łukasz"),
        ("UNICODE UTF-8", "utf-8", "山田"),
        ("GB 18030-2000", "gb18030", "\u4e42^"),
        ("~ISO IR87", "iso2022_jp", "山田|太郎"),
        ("BIG-5", "big5", "許功蓋"),
    ],
)
def test_character_sets_of_msh_18(declared: str, codec: str, name: str) -> None:
    """Declared character sets are honoured on the bytes, and half of a two-byte character is never taken for a delimiter."""
    plain = name.replace("^", "").replace("|", "")
    raw = b"MSH|^~\\&|||||||ADT^A01|1|P|2.5||||||" + declared.encode() + b"\rPID|1||7||" + plain.encode(codec) + b"^X\r"
    message = Message(raw)
    assert message.get("PID-5.1") == plain
    assert message.get("PID-5.2") == "X"
    assert rewrite(message) == raw


def test_bytes_outside_the_character_set_are_said_and_not_replaced() -> None:
    """A leaf that cannot be decoded has no text and a reason; its neighbours are read."""
    message = Message(b"MSH|^~\\&|||||||ADT^A01|1|P|2.5||||||UNICODE UTF-8\rPID|1||7||M\xfcller^Eva\r")
    leaf = message.named("PID")[0].field(5)[0].leaf(1)
    assert leaf is not None
    assert leaf.text == ""
    assert "UTF-8" in leaf.bad
    assert message.get("PID-5.2") == "Eva"


def test_undeclared_utf8_is_taken_because_the_bytes_prove_it() -> None:
    """Without MSH-18 nothing is guessed: valid UTF-8 proves itself and is flagged, anything else needs the site's word."""
    head = b"MSH|^~\\&|||||||ADT^A01|1|P|2.5\rPID|1||7||"
    assert Message(head + "Zoë".encode()).get("PID-5") == "Zoë"
    assert Message(head + "Zoë".encode()).undeclared
    assert Message(head + b"Zo\xeb").get("PID-5") == ""
    assert Message(head + b"Zo\xeb", charset="8859/1").get("PID-5") == "Zoë"


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_segment_ends(end: bytes) -> None:
    """CR, LF and CRLF end segments; a line that is no segment belongs to the one before."""
    message = Message(MESSAGE.replace(b"\r", end) + b"OBX|2|TX|N||first line" + end + b"second line" + end)
    assert [segment.name for segment in message.segments] == ["MSH", "PID", "OBX", "OBX"]
    assert message.get("OBX[2]-5").split() == ["first", "line", "second", "line"]
    assert message.segments[-1].continued
    assert rewrite(message) == message.raw


def test_not_a_message() -> None:
    """Bytes without a header are refused, not read as an empty message."""
    for raw in (b"", b"hello", b"PID|1", b"MSHELL|x"):
        with pytest.raises(NotHl7v2):
            Message(raw)


def test_split_covers_every_byte_and_finds_every_message() -> None:
    """Messages in batches, frames and plain files are cut apart; garbage stands alone; nothing is lost."""
    one, two = MESSAGE, MESSAGE.replace(b"|M1|", b"|M2|")
    for raw, count in [
        (one + two, 2),
        (one + b"\r\n\r\n" + two, 2),
        (b"\xef\xbb\xbf" + one.replace(b"\r", b"\r\n") + two, 2),
        (b"\x0b" + one + b"\x1c\r\x0b" + two + b"\x1c\r", 2),
        (b"\x0b" + one + b"\x1c\rnoise\r\x0b" + two + b"\x1c\r", 3),
        (b"FHS|^~\\&|A\rBHS|^~\\&|A\r" + one + two + b"BTS|2\rFTS|1\r", 6),
        (b"\r\n\r\n" + one + b"\r\n\r\nthis is not a segment\r\n" + two, 3),
        (b"only noise", 1),
    ]:
        units = list(split(raw))
        assert b"".join(own(raw)) == raw
        covered = {place for unit in units for piece in unit.pieces for place in range(piece.offset, piece.offset + piece.length)}
        assert covered == set(range(len(raw)))
        assert all(unit.raw == b"".join(raw[at : at + length] for at, length in unit.pieces) for unit in units)
        assert len(units) == count, raw
    assert list(split(b"")) == []


def test_sniff() -> None:
    """A header at the start, after a mark, frame or blank line, is HL7 v2; one in the middle of other things is not."""
    form = Hl7v2Format()
    assert form.sniff(b"\xef\xbb\xbfMSH|^~\\&|", "x.txt")
    assert form.sniff(b"\x0bMSH|^~\\&|", "")
    assert form.sniff(b"FHS|^~\\&|", "")
    assert not form.sniff(b'{"a": "MSH|"}', "x.hl7")


def test_compose_escapes_what_it_is_given() -> None:
    """A message made from plain values reads back to the same values."""
    raw = compose([["MSH", "A", "B"], ["PID", "1", "", [["1|2", "", "", "N&S"], ["3"]], "", ["Ode^x", "Ann"]]])
    message = Message(raw)
    assert message.get("MSH-3") == "A"
    assert message.get("PID-3[1].1") == "1|2"
    assert message.get("PID-3[1].4") == "N&S"
    assert message.get("PID-3[2]") == "3"
    assert message.get("PID-5.1") == "Ode^x"
