"""Reads one HL7 v2 message, lazily and by bytes: every field, repetition, component and subcomponent knows its span.

Comes in: the bytes of one message, with or without framing, with CR, LF or CRLF between segments, in any character set
of table 0211 and with any delimiters. Goes out: segments in order; `Segment.field(n)` gives the repetitions of a field,
each a list of components, each a tuple of leaves. Refused: bytes without an MSH segment (`NotHl7v2`).
Section numbers are those of HL7 v2.8.2 chapter 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from trivet.integration.formats.hl7v2.charset import Undecodable, codec_of, masked
from trivet.integration.formats.hl7v2.escapes import Separators, unescape
from trivet.integration.formats.hl7v2.scan import Scan, Sheet

__all__ = ["Leaf", "Message", "NotHl7v2", "Repetition", "Segment", "find_header"]

_HEADER = re.compile(rb"(?:\A|[\r\n\x0b\x1c\xbf])(MSH|FHS|BHS|BTS|FTS)([^A-Za-z0-9\r\n\x00-\x20])")
_LINE = re.compile(r"[^\r\n\x0b\x1c]+")
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_LOCATOR = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+)(?:\[(\d+)\])?(?:\.(\d+)(?:\.(\d+))?)?)?")
_SHIFTED = frozenset(("MSH", "FHS", "BHS"))


class NotHl7v2(ValueError):
    """No message header in these bytes."""


class Leaf(NamedTuple):
    """The finest piece of a message: `length` bytes from `offset`, the source's name for it, and its unescaped text.

    `bad` says why the text could not be read (then `text` is empty); HL7's null is the text `""`.
    """

    offset: int
    length: int
    locator: str
    text: str
    bad: str = ""

    @property
    def glimpse(self) -> str:
        """The text, for a condition: while a segment is watched this tells what the condition really asked."""
        return self[3]


class Repetition(NamedTuple):
    """One repetition: its components (None where empty), each a tuple of leaves by subcomponent (None where empty)."""

    components: list[tuple[Leaf | None, ...] | None]
    offset: int
    length: int
    locator: str

    def leaf(self, component: int, subcomponent: int = 1) -> Leaf | None:
        """The leaf at a place counted from 1, None where there is nothing."""
        if component > len(self.components):
            return None
        parts = self.components[component - 1]
        return parts[subcomponent - 1] if parts is not None and subcomponent <= len(parts) else None

    def leaves(self) -> Iterator[Leaf]:
        """Every non-empty leaf, in order."""
        for parts in self.components:
            if parts is not None:
                for leaf in parts:
                    if leaf is not None:
                        yield leaf


_new = tuple.__new__  # a named tuple without its Python-level constructor


def find_header(raw: bytes) -> re.Match[bytes] | None:
    """The first message or batch header of a delivery: group 1 its name, group 2 the field separator."""
    return _HEADER.search(raw)


_STANDARD = ("|", "^", "~", "\\", "&")
_USUAL, _USUAL_HEAD = Separators(*_STANDARD), b"MSH|^~\\&|"


_names: set[str] = set()  # of segments that were met: what three such characters can be
_spots: dict[tuple[bytes, int, int], int] = {}
_suffixes: dict[bytes, tuple[str, ...]] = {}


class Script:
    """What is needed to read leaves of a message: its bytes, delimiters and character set. Segments hold this and not the message,
    so that a message is freed as soon as nobody holds it."""

    __slots__ = ("codec", "declared", "plain", "raw", "separators", "shadow", "sheet", "standard")

    def __init__(self, raw: bytes, shadow: str, separators: Separators, codec: str, declared: str, plain: bool) -> None:
        self.raw, self.shadow, self.separators, self.codec, self.declared, self.plain = raw, shadow, separators, codec, declared, plain
        self.standard = separators[:5] == _STANDARD
        self.sheet = Sheet(raw, plain)

    def leaf(self, offset: int, length: int, locator: str) -> Leaf:
        """A leaf with its text decoded and unescaped; one that cannot be read says so in `bad`."""
        text = self.shadow[offset : offset + length]
        if not self.plain:
            try:
                if not text.isascii() or "\x1b" in text:
                    text = self.raw[offset : offset + length].decode(self.codec)
                if self.separators.escape in text:
                    text = unescape(text, self.separators, self.codec)
            except UnicodeDecodeError:
                return Leaf(offset, length, locator, "", f"bytes outside {self.declared or self.codec}")
            except Undecodable as error:
                return Leaf(offset, length, locator, "", str(error))
        return Leaf(offset, length, locator, text)


class Segment:
    """One segment. `number` counts segments of this name from 1; field positions follow the standard (MSH-1 is the separator).
    `scan` has its leaves and its shape once `Message.look` was called, where the characters alone say what is read; else it is None."""

    __slots__ = ("_all", "_fields", "_parsed", "_starts", "continued", "line", "name", "number", "scan", "script", "start", "text")

    def __init__(self, script: Script, name: str, number: int, start: int, text: str) -> None:
        self.script, self.name, self.number, self.start, self.text = script, name, number, start, text
        self._fields: list[str] | None = None
        self._starts: list[int] | None = None
        self._parsed: dict[int, list[Repetition]] = {}
        self._all: list[list[Repetition] | None] | None = None
        self.scan: Scan | None = None
        self.continued = False
        self.line = -1  # which of the lines that the message was cut into, if it is one

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Where each leaf of the scan stands in the segment, `-3[1].4.1`: found once for the shape."""
        scan = self.scan
        assert scan is not None
        found = _suffixes.get(scan.shape)
        if found is None:
            if len(_suffixes) >= 20_000:
                _suffixes.clear()
            names = iter([leaf[2][len(scan.head) :] for leaf in self.leaves()])
            found = _suffixes[scan.shape] = ("", *(next(names) if text else "" for text in scan.leaves[1:]))
        return found

    def spot(self, number: int, component: int = 1) -> int:
        """The index, in the scan, of a component of the first repetition of a field (0: the first that is filled); 0 for none. Found once
        for the shape."""
        scan = self.scan
        assert scan is not None
        found = _spots.get((scan.shape, number, component))
        if found is None:
            if len(_spots) >= 20_000:
                _spots.clear()
            repetitions = self.field(number)
            first = repetitions[0] if repetitions else None
            leaf = None if first is None else first.leaf(component) if component else next(first.leaves(), None)
            found = _spots[scan.shape, number, component] = scan.places.index(leaf.offset) if leaf is not None else 0
        return found

    @property
    def fields(self) -> list[str]:
        """Field texts by position, still escaped; index 0 is the segment name."""
        if self._fields is None:
            fields = self.text.split(self.script.separators.field)
            if self.name in _SHIFTED and len(fields) > 1:
                fields.insert(1, self.script.separators.field)
            self._fields = fields
        return self._fields

    @property
    def starts(self) -> list[int]:
        """Byte offset of every field."""
        if self._starts is None:
            at, starts = self.start, []
            shifted = self.name in _SHIFTED
            for number, text in enumerate(self.fields):
                starts.append(at)
                at += len(text) + (0 if shifted and number == 1 else 1)
                if shifted and number == 0:
                    at -= 1
            self._starts = starts
        return self._starts

    def field(self, number: int) -> list[Repetition]:
        """The repetitions of a field, [] when it is empty or absent. Empty repetitions keep their place, with no leaves."""
        found = self._parsed.get(number)
        if found is None:
            fields = self.fields
            found = self._cut(number, fields[number]) if number < len(fields) and fields[number] else []
            self._parsed[number] = found
        return found

    def _cut(self, number: int, text: str) -> list[Repetition]:
        script = self.script
        separators = script.separators
        offset, place = self.starts[number], f"{self.name}[{self.number}]-{number}"
        if number <= 2 and self.name in _SHIFTED:  # delimiters are not delimited
            return [Repetition([(Leaf(offset, len(text), place, text),)], offset, len(text), place)]
        repetition, component, subcomponent = separators.repetition, separators.component, separators.subcomponent
        plain = script.plain
        if text.isalnum() or not (component in text or repetition in text or subcomponent in text):
            size, place = len(text), f"{place}[1]"
            only = _new(Leaf, (offset, size, place, text, "")) if plain else script.leaf(offset, size, place)
            return [_new(Repetition, ([(only,)], offset, size, place))]
        cut = []
        for index, body in enumerate(text.split(repetition) if repetition in text else (text,), 1):
            where = f"{place}[{index}]"
            components: list[tuple[Leaf | None, ...] | None] = []
            at = offset
            if component in body:
                for rank, part in enumerate(body.split(component), 1):
                    size = len(part)
                    if not size:
                        components.append(None)
                    elif subcomponent in part:
                        components.append(self._subcomponents(part, at, f"{where}.{rank}"))
                    elif plain:
                        components.append((_new(Leaf, (at, size, f"{where}.{rank}", part, "")),))
                    else:
                        components.append((script.leaf(at, size, f"{where}.{rank}"),))
                    at += size + 1
            elif subcomponent in body:
                components.append(self._subcomponents(body, at, f"{where}.1"))
            elif not body:
                pass
            elif plain:
                components.append((_new(Leaf, (at, len(body), where, body, "")),))
            else:
                components.append((script.leaf(at, len(body), where),))
            cut.append(_new(Repetition, (components, offset, len(body), where)))
            offset += len(body) + 1
        return cut

    def _subcomponents(self, text: str, offset: int, place: str) -> tuple[Leaf | None, ...]:
        script, leaves = self.script, []
        for rank, part in enumerate(text.split(script.separators.subcomponent), 1):
            leaves.append(script.leaf(offset, len(part), f"{place}.{rank}") if part else None)
            offset += len(part) + 1
        return tuple(leaves)

    def value(self, number: int, component: int = 1, repetition: int = 1, subcomponent: int = 1) -> str:
        """The unescaped text at a place, "" when nothing is there."""
        found = self.field(number)
        leaf = found[repetition - 1].leaf(component, subcomponent) if repetition <= len(found) else None
        return leaf.text if leaf is not None else ""

    def parsed(self) -> list[list[Repetition] | None]:
        """All fields at once, by position; None where a field is empty."""
        if self._all is None:
            texts, known = self.fields, self._parsed
            found: list[list[Repetition] | None] = [None]
            for number in range(1, len(texts)):
                text = texts[number]
                if not text:
                    found.append(None)
                    continue
                cut = known.get(number)
                if cut is None:
                    cut = known[number] = self._cut(number, text)
                found.append(cut)
            self._all = found
        return self._all

    def glance(self, number: int, component: int = 1) -> str:
        """The text of a component of the first repetition, without reading more; "" for nothing and for HL7's null."""
        scan = self.scan
        if scan is not None:
            at = self.spot(number, component)
            return scan.leaves[at] if at else ""
        fields = self.fields
        text = fields[number] if number < len(fields) else ""
        if not text:
            return ""
        if not self.script.plain or (number <= 2 and self.name in _SHIFTED):
            found = self.value(number, component)
            return "" if found == '""' else found
        separators = self.script.separators
        if separators.repetition in text:
            text = text.partition(separators.repetition)[0]
        if separators.component in text:
            parts = text.split(separators.component, component)
            text = parts[component - 1] if component <= len(parts) else ""
        elif component > 1:
            return ""
        if separators.subcomponent in text:
            text = text.partition(separators.subcomponent)[0]
        return "" if text == '""' else text

    def leaves(self) -> list[Leaf]:
        """Every non-empty leaf of the segment, in order."""
        return [
            leaf
            for repetitions in self.parsed()
            if repetitions is not None
            for repetition in repetitions
            for parts in repetition[0]
            if parts is not None
            for leaf in parts
            if leaf is not None
        ]


class Message:
    """One message; `counts` its segments by name. Raises NotHl7v2 when the bytes hold no header."""

    __slots__ = ("_by_name", "alternates", "codec", "counts", "declared", "raw", "script", "segments", "separators", "shadow", "undeclared")

    def __init__(self, raw: bytes, charset: str = "") -> None:
        """`charset` is what the site says the feed really uses when MSH-18 is empty: a name of table 0211 or Python's."""
        found = _HEADER.search(raw)
        if found is None:
            raise NotHl7v2("no MSH segment")
        self.raw = raw
        start = found.start(1)
        self.separators = _USUAL if raw.startswith(_USUAL_HEAD, start) else _separators(raw[start : start + 12])
        self.undeclared = False
        self.declared, self.alternates = self._declared(start)
        self.codec = self._codec(charset)
        ascii_only = raw.isascii() and b"\x1b" not in raw
        self.shadow = raw.decode("latin-1") if ascii_only else masked(raw, self.codec)
        plain = ascii_only and self.shadow.count(self.separators.escape) <= 1
        self.script = Script(raw, self.shadow, self.separators, self.codec, self.declared, plain)
        self.counts: dict[str, int] = {}
        self.segments = self._lines(start, ascii_only)
        self._by_name: dict[str, list[Segment]] | None = None

    def _declared(self, start: int) -> tuple[str, tuple[str, ...]]:
        """MSH-18: the character set and its alternates, as written."""
        line = self.raw[start : start + 4000].partition(b"\r")[0].partition(b"\n")[0]
        if line.count(self.separators.field.encode("latin-1")) < 17:
            return "", ()
        fields = line.decode("latin-1").split(self.separators.field)
        names = fields[17].split(self.separators.repetition) if fields[0] == "MSH" else [""]
        return names[0].strip(), tuple(name.strip() for name in names[1:] if name.strip())

    def _codec(self, charset: str) -> str:
        """The codec in force. Without a declaration ASCII holds; UTF-8 is taken when the bytes prove it, and is noticed."""
        if not self.declared and not self.alternates and self.raw.isascii():
            return "ascii"
        names = [name for name in (self.declared, *self.alternates) if name]
        codecs_ = [codec_of(name) for name in names]
        if any(codec and codec.startswith("iso2022") for codec in codecs_) and b"\x1b" in self.raw:
            return next(codec for codec in reversed(codecs_) if codec and codec.startswith("iso2022"))
        if names and codecs_[0] and codecs_[0] != "ascii":
            return codecs_[0]
        if self.raw.isascii():
            return "ascii"
        if charset:
            return codec_of(charset) or "ascii"
        self.undeclared = True
        try:
            self.raw.decode("utf-8")
        except UnicodeDecodeError:
            return "ascii"
        return "utf-8"

    def _lines(self, start: int, ascii_only: bool) -> list[Segment]:
        """Segments by line. A line that does not look like a segment belongs to the one before it (an unescaped line break)."""
        shadow, separator = self.shadow, self.separators.field
        counts = self.counts
        segments: list[Segment] = []
        script, known, cut = self.script, _names, False
        pairs: Iterable[tuple[int, str]]
        if "\n" in shadow or "\x1c" in shadow or "\x0b" in shadow:
            pairs = [(found.start(), found[0]) for found in _LINE.finditer(shadow, start)]
        else:
            lines = (shadow if not start else shadow[start:]).split("\r")
            pairs = zip(accumulate([len(text) + 1 for text in lines], initial=start), lines, strict=False)
            if ascii_only:
                script.sheet.cut(start)
                cut = True
        for line, (at, text) in enumerate(pairs):
            name = text[:3]
            if text and text[3:4] in (separator, "") and (name in known or _is_name(name)):
                counts[name] = number = counts.get(name, 0) + 1
                segment = Segment(script, name, number, at, text)
                if cut:
                    segment.line = line
                segments.append(segment)
            elif segments and text.strip():
                before = segments[-1]
                before.text = shadow[before.start : at + len(text)]
                before.continued, before.line = True, -1
                script.sheet.calm = False  # what breaks lines stands inside a value now
        return segments

    def look(self) -> None:
        """Take the scans of all segments."""
        script = self.script
        sheet = script.sheet
        if not script.standard:
            return
        quick, leaves, shapes = sheet.quick, sheet.leaves, sheet.shapes
        for segment in self.segments:
            line, name = segment.line, segment.name
            if quick and line >= 0 and name not in _SHIFTED:
                texts = leaves[line].split("|")
                segment.scan = Scan(f"{name}[{segment.number}]", segment.start, texts, texts, shapes[line])
            else:
                segment.scan = sheet.scan(segment.text, segment.start, name, segment.number, segment.continued, line)

    def named(self, name: str) -> list[Segment]:
        """All segments of a name, in order."""
        if self._by_name is None:
            self._by_name = {}
            for segment in self.segments:
                self._by_name.setdefault(segment.name, []).append(segment)
        return self._by_name.get(name, [])

    def get(self, locator: str) -> str:
        """The unescaped text at `PID-5.1`, `OBX[3]-5[1].2`, `PV1-3.4.1`; "" when nothing is there. Raises ValueError for a bad locator."""
        segment, field, repetition, component, subcomponent = _place(locator)
        found = self.named(segment[0])
        if segment[1] > len(found):
            return ""
        return found[segment[1] - 1].value(field, component or 1, repetition, subcomponent or 1)

    def span(self, locator: str) -> tuple[int, int]:
        """Byte offset and length of what a locator names, as fine as it is written. Raises KeyError when nothing is there."""
        segment, field, repetition, component, subcomponent = _place(locator)
        found = self.named(segment[0])
        repetitions = found[segment[1] - 1].field(field) if segment[1] <= len(found) else []
        if repetition > len(repetitions):
            raise KeyError(locator)
        whole = repetitions[repetition - 1]
        if not component:
            return whole.offset, whole.length
        leaf = whole.leaf(component, subcomponent or 1)
        if leaf is None:
            raise KeyError(locator)
        if subcomponent:
            return leaf.offset, leaf.length
        parts = [part for part in whole.components[component - 1] or () if part is not None]
        return parts[0].offset, parts[-1].offset + parts[-1].length - parts[0].offset

    @property
    def moment(self) -> str:
        """MSH-7 as it is written."""
        header = self.segments[0]
        if header.scan is None:
            return header.value(7)
        at = header.spot(7)
        return header.scan.leaves[at] if at else ""

    @property
    def kind(self) -> tuple[str, str, str]:
        """MSH-9: message code, trigger event, structure; what is missing is ""."""
        header = self.segments[0]
        scan = header.scan
        if scan is None:
            return header.value(9, 1), header.value(9, 2), header.value(9, 3)
        leaves = scan.leaves
        code, event, structure = [leaves[at] if at else "" for at in (header.spot(9), header.spot(9, 2), header.spot(9, 3))]
        return code, event, structure


def _is_name(name: str) -> bool:
    """Whether this is what a segment can be called; remembered."""
    if _NAME.fullmatch(name) is None:
        return False
    _names.add(name)
    return True


def _separators(start: bytes) -> Separators:
    """MSH-1 and MSH-2, the standard's characters where a short MSH-2 leaves them out."""
    head = start.split(b"\r")[0].split(b"\n")[0].decode("latin-1")
    field = head[3:4]
    given = head[4:].split(field)[0][:5]
    return Separators(field, *(given + "^~\\&"[len(given) :] if len(given) < 4 else given))


def _place(locator: str) -> tuple[tuple[str, int], int, int, int, int]:
    found = _LOCATOR.fullmatch(locator)
    if found is None or found[3] is None:
        raise ValueError(f"not a place in a message: {locator}")
    name, number, field, repetition, component, subcomponent = found.groups()
    return (name, int(number or 1)), int(field), int(repetition or 1), int(component or 0), int(subcomponent or 0)
