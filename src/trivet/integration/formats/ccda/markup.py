"""A well-formed text cut at every `<`: what the pieces are, what a start tag holds and where, what references and sections say.

The text is cut as if each byte were one character, so that places in it are places of bytes; a piece that is not ASCII is decoded when it
is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain

__all__ = ["BLANK", "Attribute", "Shape", "any_quotes", "pieces", "plain", "referred", "sections", "unicode"]

BLANK = " \t\r\n"
CHUNK = 1 << 20  # letters that are cut at a time
EQUALS = BLANK + "="
TAG = re.compile(r"""([^ \t\r\n/>"']++)((?:[^"'>]++|"[^"]*+"|'[^']*+')*+)>""")
PAIR = re.compile(r"""([^ \t\r\n=]++)[ \t\r\n]*+=[ \t\r\n]*+(?:"([^"]*+)"|'([^']*+)')""")
APART = re.compile(r"<(?:!--.*?(?:-->|\Z)|\?.*?(?:\?>|\Z)|!\[CDATA\[.*?(?:\]\]>|\Z))", re.S)
CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.S)
REFERENCE = re.compile(r"&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|([a-z]+));")
NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
NEW_LINE = re.compile(r"\r\n?")
FLAT = str.maketrans("\t\n", "  ")


def pieces(text: str) -> Iterator[str]:
    """What follows each `<`. A comment or an instruction is one piece, a CDATA section belongs to the text that it stands in."""
    return chain.from_iterable(cut(text))


def cut(text: str) -> Iterator[list[str]]:
    """The pieces, some at a time: a text of nothing but tags would take many times its size if all were there at once."""
    marks = APART.finditer(text) if "<!" in text or "<?" in text else iter(())
    mark = next(marks, None)
    held: list[str] = []
    at = 0
    while True:
        until = mark.start() if mark is not None else len(text)
        end = text.find("<", at + CHUNK, until) if until - at > CHUNK else until
        end = until if end < 0 else end
        first, *rest = text[at:end].split("<")
        held.append(first)
        if rest:
            yield ["".join(held), *rest[:-1]]
            held = rest[-1:]
        at = end
        if at < until:
            continue
        if mark is None:
            yield ["".join(held)]
            return
        if mark[0].startswith("<!["):
            held.append(mark[0])
        else:
            yield ["".join(held)]
            held = [mark[0][1:]]
        at = mark.end()
        mark = next(marks, None)


def unicode(text: str) -> str:
    """A piece of the text as what its bytes say, lines ending as XML has them."""
    if not text.isascii():
        text = text.encode("latin-1").decode("utf-8", "replace")  # the end of the beginning of a text may be half a letter
    return NEW_LINE.sub("\n", text) if "\r" in text else text


def referred(text: str) -> str:
    """References to characters as the characters."""
    return REFERENCE.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    wide, number, name = found.groups()
    return NAMED[name] if name else chr(int(wide, 16) if wide else int(number))


def sections(tail: str) -> tuple[str, int]:
    """What a run of text with CDATA sections says, and where in it the first letter stands that is not the mark of a section."""
    said: list[str] = []
    begins, at = -1, 0
    for found in CDATA.finditer(tail):
        for written, place, plain in ((tail[at : found.start()], at, True), (found[1], found.start(1), False)):
            if written:
                begins = place if begins < 0 else begins
                said.append(referred(unicode(written)) if plain else unicode(written))
        at = found.end()
    if at < len(tail):
        begins = at if begins < 0 else begins
        said.append(referred(unicode(tail[at:])))
    return "".join(said), max(0, begins)


Attribute = tuple[str, str, int, int, str]
Shape = tuple[str, list[Attribute], bool, bool]
"""A start tag as it is written: its name, its attributes (name, value, place behind `<`, length, the end of its locator), whether the
element ends there, whether it has an `ID`."""


@lru_cache(maxsize=4096)
def called(before: str) -> tuple[str, str]:
    """The name of an attribute by what stands before its value, and the end of its locator."""
    name = unicode(before.strip(EQUALS))
    return name, f"/@{name}"


@lru_cache(maxsize=4096)
def headed(head: str) -> tuple[str, str]:
    """The name of a tag and of its first attribute."""
    name, before = head.split(None, 1)
    return name, before


def attribute(before: str, text: str, at: int) -> Attribute:
    """An attribute by what stands before its value, and its value as it is written."""
    name, suffix = called(before)
    length = len(text)
    if "&" in text or not text.isascii() or not text.isprintable():
        text = referred(unicode(text).translate(FLAT))
    return name, text, at, length if text.strip() else 0, suffix


def known(attributes: list[Attribute]) -> bool:
    """Whether one is an `ID`."""
    return any(one[0] == "ID" and one[1] for one in attributes)


def plain(inside: str) -> Shape | None:
    """The shape of a tag of double quotes, which nearly all are."""
    parts = inside.split('"')
    head = parts[0]
    if not len(parts) & 1 or "'" in inside or not head.isascii():
        return None
    if len(parts) == 1:
        return head.rstrip(f"/{BLANK}"), [], head[-1:] == "/", False
    at = len(head) + 2
    name, before = headed(head)
    attributes = []
    for number in range(1, len(parts), 2):
        text = parts[number]
        attributes.append(attribute(before, text, at))
        before = parts[number + 1]
        at += len(text) + len(before) + 2
    return name, attributes, before[-1:] == "/", "ID" in inside and known(attributes)


def any_quotes(piece: str) -> tuple[Shape, str] | None:
    """The shape of a tag however it is written, and what follows it; None where it does not end."""
    found = TAG.match(piece)
    if found is None:
        return None
    attributes = []
    for one in PAIR.finditer(piece, found.end(1), found.end()):
        which = 2 if one[2] is not None else 3
        attributes.append(attribute(one[1], one[which], one.start(which) + 1))
    return (found[1], attributes, found[2][-1:] == "/", known(attributes)), piece[found.end() :]
