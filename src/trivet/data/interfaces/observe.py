"""One unit's contribution to the register: lines of counts, shapes and codes. Pure, so that it runs where units are translated.

In: the unit's bytes and the account of its elements, which translation has made anyhow: nothing is parsed twice. Out: `Traffic`. A value
leaves here only out of a field that is listed as coded (`maps/register/coded.csv`), only when it looks like a code, and never when it is
also a part of the name of the person that the unit speaks of.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from trivet.contracts.record import Record, Translation
from trivet.contracts.traffic import Repeat, Seen, Traffic
from trivet.data.interfaces.places import NAME, Grammar, grammar

__all__ = ["SHAPES", "observe", "shape_of"]

SHAPES = ("digits", "decimal", "moment", "code", "words", "other")
HEAD = 48  # bytes of a value that its shape is read from
# Bytes by kind: digits, letters, white space; punctuation stays; what is no ASCII is "x".
KINDS = bytes(
    ord("9")
    if 48 <= byte < 58
    else ord("a")
    if 65 <= byte < 91 or 97 <= byte < 123
    else 32
    if byte in (9, 10, 13, 32)
    else byte
    if 32 < byte < 127
    else ord("x")
    for byte in range(256)
)
PATTERNS = (
    ("digits", re.compile(rb"[+-]?9+")),
    ("decimal", re.compile(rb"[+-]?9*\.9+([a]9+)?")),
    ("moment", re.compile(rb"9{4}-99(-99([a ]99:99(:99(\.9+)?)?(a|[+-]99:?99)?)?)?|9{8,14}(\.9+)?[+-]9{4}|9{14}\.9+|99:99(:99)?")),
    ("code", re.compile(rb"[a9!-/:-@\[-`{-~]{1,24}")),
    ("words", re.compile(rb"[a9x !-/:-@\[-`{-~]+")),
)
CODE = re.compile(r"[A-Za-z0-9%/{\[<>=][A-Za-z0-9._:/+*#%\\\-\[\]{}'()<>=]{0,23}|(?:https?:|urn:)[!-~]{1,116}|[0-2](?:\.\d+)+")
TITLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._&/()\-]{0,39}")  # what a system calls itself may have spaces
MOST = 100_000
SMALL = 3  # letters from which a word can be a name

_seen: dict[tuple[Any, ...], Seen] = {}
_repeats: dict[tuple[str, str, int], Repeat] = {}
Called = tuple[tuple[str, str], ...]  # containers and what names them
Structure = tuple[list[tuple[str, int]], tuple[tuple[str, int], ...], tuple[Repeat, ...]]  # field and coded by element, parts, repeats
_structures: dict[tuple[str, tuple[str, ...], Called], Structure] = {}
STRUCTURES = 2_000  # structures that are remembered at a time


def shape_of(kinds: bytes) -> str:
    """The shape of a value whose bytes were replaced by their kinds."""
    return next((shape for shape, pattern in PATTERNS if pattern.fullmatch(kinds)), "other")


def observe(raw: bytes, translation: Translation, format: str, people: Iterable[Record] = ()) -> Traffic:
    """What a unit shows of its feed."""
    elements = translation.elements
    if not elements:
        return Traffic("", (), (), ())
    known = grammar(format)
    locators = tuple([element[0] for element in elements])
    called = names_in(raw, elements, locators, known) if known.named else ()
    structure = _structures.get((format, locators, called))
    if structure is None:
        if len(_structures) >= STRUCTURES:
            _structures.clear()
        structure = _structures[format, locators, called] = structure_of(locators, called, known)
    places, parts, repeats = structure
    names = words_of(people)
    lines, types, seen = _seen, dict[int, str](), list[Seen]()
    kinds = raw.translate(KINDS)
    if len(lines) > MOST:
        lines.clear()
    for (_, offset, length, disposition, _), (field, coded) in zip(elements, places, strict=True):
        if coded:
            value = raw[offset : offset + length if length < 120 else offset + 120]
            key: tuple[Any, ...] = (field, disposition, length, value, 1) if value not in names else (field, disposition, length, value, 0)
            if coded == 2:
                types.setdefault(known.types.get(field, 0), value.decode("ascii", "replace"))
        else:
            key = (field, disposition, length, kinds[offset : offset + (length if length < HEAD else HEAD)], 0)
        line = lines.get(key)
        if line is None:
            line = lines[key] = made(*key)
        seen.append(line)
    return Traffic(type_of(types), parts, repeats, tuple(seen))


def structure_of(locators: Sequence[str], called: Called, known: Grammar) -> Structure:
    """Fields, parts and repeats of a unit with these places, its containers called so: units of a feed are much the same."""
    places = [known[locator] for locator in locators]
    if known.named:
        names, resolve = dict(called), known.resolve
        places = [
            resolve(place, names.get(place.container.partition("\n")[0], "?")) if "\n" in place.container else place for place in places
        ]
    pairs = Counter(places)
    repeats = [_repeat(part, field, times) for (_, part, field, _), times in pairs.items()]
    parts = Counter([part for _, part in sorted({(container, part) for container, part, _, _ in pairs})])
    return [(field, coded) for _, _, field, coded in places], tuple(parts.items()), tuple(repeats)


def made(field: str, disposition: str, length: int, value: bytes, keep: int) -> Seen:
    """The line of an element that was not seen like this before."""
    shape = shape_of(value[:HEAD].translate(KINDS))
    return Seen(field, disposition, shape, length, code_of(field, value) if keep else "")


def code_of(field: str, value: bytes) -> str:
    """A value of a coded field, when it looks like a code; else nothing."""
    try:
        text = value.decode("ascii").strip()
    except UnicodeDecodeError:
        return ""
    if CODE.fullmatch(text) or (field[:4] in TITLED and TITLE.fullmatch(text)):
        return text
    return ""


TITLED = ("MSH-", "ISA-", "GS-0", "obje")


def _repeat(part: str, field: str, times: int) -> Repeat:
    key = (part, field, times)
    line = _repeats.get(key)
    if line is None:
        if len(_repeats) > MOST:
            _repeats.clear()
        line = _repeats[key] = Repeat(part, field, times)
    return line


def names_in(raw: bytes, elements: Iterable[Any], locators: Iterable[str], known: Grammar) -> Called:
    """What the containers of a unit are called by what names them."""
    called: dict[str, str] = {}
    for element, locator in zip(elements, locators, strict=True):
        place = known[locator]
        if place.coded == 3:
            value = raw[element.offset : element.offset + min(element.length, 64)].decode("ascii", "replace")
            called[place.container.partition("\n")[0]] = value if NAME.fullmatch(value) else "?"
    return tuple(called.items())


def type_of(types: dict[int, str]) -> str:
    """Message type out of its parts: `ADT^A01`, `837`, `Bundle`; `?` for what looks like none."""
    text = "^".join(types[order] for order in sorted(types))
    return text if re.fullmatch(r"[A-Za-z0-9_.^-]{1,40}", text) else "?" if text else ""


def words_of(people: Iterable[Record]) -> frozenset[bytes]:
    """Words of the names in a unit's patients, in the ways they may be written."""
    found = set[bytes]()
    for record in people:
        for name in record.resource.get("name") or ():
            if not isinstance(name, dict):
                continue
            texts = [name.get("family"), name.get("text"), *(name.get("given") or ())]
            for word in (word for text in texts if isinstance(text, str) for word in re.split(r"[\s,'^-]+", text)):
                if len(word) >= SMALL:
                    found |= {form.encode("utf-8") for form in (word, word.upper(), word.lower(), word.capitalize())}
    return frozenset(found)
