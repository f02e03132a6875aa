"""Character sets of HL7 v2 (MSH-18, table 0211): which codec reads a message, and a shadow of it that is safe to cut.

The shadow is a text of exactly one character per byte, in which delimiters that are only half of a Japanese, Chinese or
Korean character are masked. Structure is cut on the shadow, so every position in it is a byte offset; values are decoded
from the bytes. Nothing is ever replaced: bytes that the declared character set does not know raise `Undecodable`.
"""

from __future__ import annotations

import codecs
import re
from functools import cache

__all__ = ["Undecodable", "codec_of", "masked"]

# table 0211, as far as Python knows the encoding; the rest is looked up by its registered name
_TABLE = {
    "ASCII": "ascii",
    "ISO IR6": "ascii",
    "UNICODE UTF-8": "utf-8",
    "UNICODE": "utf-8",
    "UTF8": "utf-8",
    "ISO IR14": "iso2022_jp_ext",
    "ISO IR87": "iso2022_jp_ext",
    "ISO IR159": "iso2022_jp_ext",
    "ISO IR13": "shift_jis",
    "JAS2020": "shift_jis",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
}
_KNOWN = re.compile(r"ascii|utf-8|(iso8859|cp|koi8|mac|tis|iso2022)[-_]?\w+([-_]\w+)*|gb\w+|big5\w*|euc_\w+|shift_jis\w*|hz|johab|ptcp154")
_ISO2022 = re.compile(rb"(\x1b\$(?:\([@ACDO]|[@AB]))([^\x1b\r\n]+)")
_TWO_BYTE = {
    "gb18030": re.compile(rb"[\x81-\xfe][\x40-\x7e]"),
    "gbk": re.compile(rb"[\x81-\xfe][\x40-\x7e]"),
    "big5": re.compile(rb"[\x81-\xfe][\x40-\x7e]"),
    "shift_jis": re.compile(rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e]"),
    "cp932": re.compile(rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e]"),
}


class Undecodable(ValueError):
    """Bytes that the message's character set does not know: the element is rejected, never repaired."""


@cache
def codec_of(declared: str) -> str | None:
    """Python's codec for one repetition of MSH-18, None for an unknown name. Not UTF-16 or UTF-32: the delimiters were read."""
    name = declared.strip().upper()
    if name in _TABLE:
        return _TABLE[name]
    if name.startswith("8859/"):
        name = "ISO8859-" + name[5:]
    try:
        found = codecs.lookup(name.replace(" ", "_")).name
        return found if _KNOWN.fullmatch(found) and b"|^&AZaz09".decode(found) == "|^&AZaz09" else None
    except (LookupError, ValueError):
        return None


def _mask_iso2022(found: re.Match[bytes]) -> bytes:
    return found[1] + b"\x80" * len(found[2])


def _mask_trail(found: re.Match[bytes]) -> bytes:
    return found[0][:1] + b"\x80"


def masked(raw: bytes, codec: str) -> str:
    """One character per byte. Delimiter bytes inside two-byte characters become `\\x80`."""
    if b"\x1b$" in raw:
        raw = _ISO2022.sub(_mask_iso2022, raw)
    two = _TWO_BYTE.get(codec)
    if two is not None:
        raw = two.sub(_mask_trail, raw)
    return raw.decode("latin-1")
