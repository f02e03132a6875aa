"""The bytes of a document as UTF-8, and the way from places in it back to the document's own bytes.

In: the bytes of one document. Refused (`BadXml`, with the byte): an encoding that is not read here, or that its bytes do not hold.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right

__all__ = ["BadXml", "Places", "Same", "decoded"]

DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
ENCODINGS = ("iso-8859-1", "latin-1", "latin1", "windows-1252", "cp1252")


class BadXml(Exception):
    """What is wrong with the document and at which byte."""

    def __init__(self, code: str, why: str, offset: int) -> None:
        super().__init__(why)
        self.code, self.why, self.offset = code, why, offset


class Places:
    """Places in UTF-8 to places in the document's own bytes, where these differ."""

    def __init__(self, text: str, encoding: str, lead: int) -> None:
        """`lead` is the number of bytes of a byte order mark."""
        self.utf8, self.own = array("L", [0]), array("L", [lead])
        self.wide = encoding.startswith("utf-16")
        at, own = 0, lead
        for number, character in enumerate(text, 1):
            code = ord(character)
            at += 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
            own += (4 if code > 0xFFFF else 2) if self.wide else 1
            if code >= 0x80 or not number % 4096:
                self.utf8.append(at)
                self.own.append(own)
        self.step = 2 if self.wide else 1

    def of(self, offset: int) -> int:
        """The place in the document's bytes of a place in UTF-8 (at the beginning of a character)."""
        index = bisect_right(self.utf8, offset) - 1
        return self.own[index] + (offset - self.utf8[index]) * self.step

    def span(self, offset: int, length: int) -> tuple[int, int]:
        """Offset and length in the document's bytes."""
        start = self.of(offset)
        return start, self.of(offset + length) - start


class Same(Places):
    """The document is UTF-8 itself; `lead` bytes of a byte order mark stand in front."""

    def __init__(self, lead: int) -> None:
        self.lead = lead

    def of(self, offset: int) -> int:
        """The same place."""
        return offset + self.lead

    def span(self, offset: int, length: int) -> tuple[int, int]:
        """The same length."""
        return offset + self.lead, length


def decoded(raw: bytes) -> tuple[bytes, Places]:
    """The document as UTF-8, and where its places are. Raises BadXml."""
    if raw.startswith(b"\xef\xbb\xbf"):
        return raw[3:], Same(3)
    wide = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}.get(raw[:2])
    lead = 2 if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else 0
    found = DECLARED.match(raw[:256])
    encoding = wide or (found[1].decode("ascii").lower() if found else "utf-8")
    if wide is None and encoding.startswith("utf-16"):
        encoding = "utf-8"  # declared wide, but its bytes are not
    if encoding in ("utf-8", "utf8", "us-ascii", "ascii"):
        return raw, Same(0)
    if wide is None and encoding not in ENCODINGS:
        raise BadXml("E244", f"the encoding {encoding[:24]} is not read here", found.start(1) if found else 0)
    try:
        text = raw[lead:].decode(encoding)
    except UnicodeDecodeError as error:
        raise BadXml("E244", f"the bytes are not {encoding}", lead + error.start) from None
    return text.encode("utf-8", "surrogatepass"), Places(text, encoding, lead)
