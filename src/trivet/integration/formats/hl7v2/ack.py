"""Acknowledgements of HL7 v2, original and enhanced mode (v2.8.2 section 2.9), built on the bytes of the message's header.

An acknowledgement must be possible for any bytes: what the header does not hold stays empty. Echoed fields are cut free of
control characters, so that no sender can slip a segment into our answer.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from trivet.integration.formats.hl7v2.reader import find_header

__all__ = ["Header", "acknowledgement", "answers", "header_of", "stamp"]

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_POSITIVE = frozenset(("AA", "CA"))


class Header(NamedTuple):
    """What an acknowledgement needs of a message header, as raw bytes; everything is empty when there is no header."""

    field: bytes = b"|"
    encoding: bytes = b"^~\\&"
    sender: tuple[bytes, bytes] = (b"", b"")
    receiver: tuple[bytes, bytes] = (b"", b"")
    event: bytes = b""
    control: bytes = b""
    processing: bytes = b""
    version: bytes = b""
    accept: str = ""
    application: str = ""
    charset: bytes = b""
    found: bool = False

    @property
    def enhanced(self) -> bool:
        """The sender asked for enhanced mode: MSH-15 or MSH-16 is filled."""
        return bool(self.accept or self.application)


def header_of(raw: bytes) -> Header:
    """The header of a message, read without decoding anything."""
    found = find_header(raw)
    if found is None or found.group(1) != b"MSH":
        return Header()
    start = found.start(1)
    ends = [at for at in (raw.find(end, start) for end in (b"\r", b"\n")) if at >= 0]
    line = raw[start : min([*ends, start + 8192, len(raw)])]
    separator = found.group(2)
    fields = line.split(separator)
    if _CONTROL.search(line):
        fields = [_CONTROL.sub(b"", part) for part in fields]
    fields += [b""] * (19 - len(fields))
    kind = fields[8].split(fields[1][:1] or b"^")
    return Header(
        separator,
        fields[1] or b"^~\\&",
        (fields[2], fields[3]),
        (fields[4], fields[5]),
        kind[1] if len(kind) > 1 else b"",
        fields[9],
        fields[10],
        fields[11],
        fields[14].decode("latin-1").strip().upper(),
        fields[15].decode("latin-1").strip().upper(),
        fields[17],
        found=True,
    )


def stamp(instant: str) -> str:
    """An instant (`2026-03-01T07:55:00.000000Z`) as HL7 time in UTC."""
    return re.sub(r"[-:T]", "", instant[:19]) + "+0000"


def acknowledgement(header: Header, code: str, *, control: str, at: str, text: str = "", error: str = "") -> bytes:
    """One acknowledgement message. `code` of table 0008, `control` its own control id, `at` an instant, `error` of table 0357."""
    separator, part = header.field, header.encoding[:1] or b"^"
    kind = part.join((b"ACK", header.event, b"ACK")) if header.event else b"ACK"
    msh = [b"MSH", header.encoding, *header.receiver, *header.sender, stamp(at).encode(), b"", kind, control.encode()]
    msh += [header.processing or b"P", header.version or b"2.5.1"]
    if header.charset:
        msh += [b""] * 5 + [header.charset]
    lines = [separator.join(msh), separator.join((b"MSA", code.encode(), header.control, _plain(text, header)))]
    if error and code not in _POSITIVE:
        coded = part.join((error.encode(), _plain(text, header), b"HL70357"))
        lines.append(separator.join((b"ERR", b"", b"", coded, b"E")))
    return b"\r".join(lines) + b"\r"


def _plain(text: str, header: Header) -> bytes:
    """Our own words, free of whatever the sender chose as delimiters."""
    if not text:
        return b""
    raw = _CONTROL.sub(b" ", text.encode("ascii", "replace"))
    return bytes(byte if bytes((byte,)) not in (header.field, *(bytes((one,)) for one in header.encoding)) else 0x20 for byte in raw)


def answers(header: Header, outcome: str, mode: str = "asked") -> tuple[str, ...]:
    """The codes to answer with. `outcome` is `accepted`, `content` (kept, but its content is wrong), `error` or `rejected` (not taken).

    Original mode gives one code. Enhanced mode gives the accept code if MSH-15 asks for it in this case and, once the message is
    kept, the application code if MSH-16 does: AL always, NE never, ER on errors, SU on success (table 0155). What the sender asks
    for decides, unless the connection's `mode` is `original` (one code, whatever MSH-15 and -16 say) or `enhanced` (accept and
    application code, also for a header that asks for nothing).
    """
    original = {"accepted": "AA", "content": "AE", "error": "AE", "rejected": "AR"}[outcome]
    if mode == "original" or (mode == "asked" and not header.enhanced):
        return (original,)
    kept, silent = outcome in ("accepted", "content"), mode == "enhanced" and not header.enhanced
    codes = []
    if silent or _asked(header.accept, kept, default=True):
        codes.append("CA" if kept else "C" + original[1])
    if kept and (silent or _asked(header.application, outcome == "accepted", default=False)):
        codes.append(original)
    return tuple(codes)


def _asked(condition: str, success: bool, default: bool) -> bool:
    return {"AL": True, "NE": False, "ER": not success, "SU": success}.get(condition, default)
