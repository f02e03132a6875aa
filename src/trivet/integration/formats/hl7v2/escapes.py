"""Escape sequences (HL7 v2.8.2 section 2.7): delimiters, hexadecimal data, character set switches and text formatting.

Unescaping turns formatting into plain text (`\\.br\\` is a line break, highlighting vanishes). What the standard does not
know, local `\\Z..\\` sequences and an escape that never closes stay in the text as they are.
"""

from __future__ import annotations

from typing import NamedTuple

from trivet.integration.formats.hl7v2.charset import Undecodable

__all__ = ["Separators", "escape", "unescape"]

_HEX = frozenset("0123456789abcdefABCDEF")
_ISO2022 = "iso2022_jp_ext"


class Separators(NamedTuple):
    """The delimiters that MSH-1 and MSH-2 declare. `truncation` is empty before version 2.7."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ""


def unescape(text: str, separators: Separators, codec: str) -> str:
    """The text behind an escaped value. `text` is already decoded; `codec` reads `\\X..\\` data. Raises Undecodable."""
    mark = separators.escape
    parts = text.split(mark)
    out = [parts[0]]
    index, last = 1, len(parts) - 1
    while index <= last:
        if index == last:  # no closing mark
            out.append(mark + parts[index])
            break
        known = _known(parts[index], separators, codec)
        if known is None:
            out.append(mark + parts[index])
            index += 1
            continue
        out.append(known)
        out.append(parts[index + 1])
        index += 2
    joined = "".join(out)
    return _switched(joined) if "\x1b" in joined else joined


def _known(sequence: str, separators: Separators, codec: str) -> str | None:
    """The text of one sequence, None when the standard does not know it."""
    if len(sequence) == 1:
        delimiters = {
            "F": separators.field,
            "S": separators.component,
            "T": separators.subcomponent,
            "R": separators.repetition,
            "E": separators.escape,
            "P": separators.truncation or None,
            "H": "",
            "N": "",
        }
        return delimiters.get(sequence)
    head, body = sequence[:1], sequence[1:]
    if head in ("X", "C", "M") and body and not len(body) % 2 and _HEX.issuperset(body):
        data = bytes.fromhex(body)
        if head != "X":
            return "\x1b" + data.decode("latin-1")
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            raise Undecodable("hexadecimal data outside the character set") from None
    if head == ".":
        return _formatting(body)
    return None


def _formatting(command: str) -> str | None:
    """Plain text for one formatting command (section 2.7.6), None when it is none."""
    name, count = command[:2].lower(), command[2:].strip().lstrip("+")
    if name == "br":
        return "\n"
    if name == "sp":
        return "\n" * (int(count) if count.isdigit() and len(count) < 4 else 1)
    if name == "sk":
        return " " * (int(count) if count.isdigit() and len(count) < 4 else 1)
    if name in ("in", "ti", "ce"):
        return "\n" if name == "ce" else ""
    if name in ("fi", "nf"):
        return ""
    return None


def _switched(text: str) -> str:
    """Text in which `\\C..\\` and `\\M..\\` switched the character set: read once more, now with the switches in force."""
    try:
        return text.encode("latin-1").decode(_ISO2022)
    except UnicodeError:
        raise Undecodable("a character set switch that cannot be followed") from None


def escape(text: str, separators: Separators = Separators()) -> str:
    """The value as it may stand in a message: delimiters escaped, line breaks as `\\.br\\`, other controls as `\\X..\\`."""
    mark = separators.escape
    names = {
        separators.escape: "E",
        separators.field: "F",
        separators.component: "S",
        separators.subcomponent: "T",
        separators.repetition: "R",
    }
    if separators.truncation:
        names[separators.truncation] = "P"
    out = []
    for char in text.replace("\r\n", "\n").replace("\r", "\n"):
        if char in names:
            out.append(f"{mark}{names[char]}{mark}")
        elif char == "\n":
            out.append(f"{mark}.br{mark}")
        elif char < " ":
            out.append(f"{mark}X{ord(char):02X}{mark}")
        else:
            out.append(char)
    return "".join(out)
