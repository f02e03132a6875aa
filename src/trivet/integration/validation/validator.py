"""FHIR R4 resources judged: bytes or a decoded value in, findings out; no data is ever changed, and nothing is ever raised for data."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

from trivet.integration.validation.check import Options, Walk
from trivet.integration.validation.datatypes import CHECKS
from trivet.integration.validation.finding import Finding, Place
from trivet.integration.validation.invariants import Invariants
from trivet.integration.validation.locate import locate
from trivet.integration.validation.reader import Reading, Where, read
from trivet.integration.validation.references import check as references
from trivet.integration.validation.shape import shapes
from trivet.integration.validation.special import WHOLE
from trivet.integration.validation.swift import NARRATIVE, Rows, Shallow, Swift, shallow
from trivet.kernel import jsontext

__all__ = ["Validator"]

SAID = 5_000
NAME_END = re.compile(rb'"[ \t\r\n]*:')


@cache
def invariants() -> Invariants:
    """The shipped rules."""
    return Invariants(shapes())


class Validator:
    """Judges resources. Compiled once a type, safe to share; `options` say what a caller decides (`check.Options`)."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.shapes, self.invariants = shapes(), invariants()
        self.swift = swift(self.options)
        self.said: dict[Any, tuple[str, str]] = {}

    def text(self, raw: bytes) -> list[Finding]:
        """Findings for a JSON text, each with its bytes. Malformed text is judged as far as it can be read."""
        quick = self.swift.text(raw)
        if quick is not None:
            return self._placed(raw, quick) if quick else []
        made = shallow(raw, self.swift.text) if self.swift.usable else None
        return self.walked(raw) if made is None else self._bundle(raw, made)

    def _bundle(self, raw: bytes, made: Shallow) -> list[Finding]:
        """A Bundle whose resources were answered for, most of them."""
        walk, blanks = self._walk(made.value, made.judged), apart(raw)
        if names_in(raw, blanks) != walk.names + sum(names_in(text, blanks) for text in made.texts):
            return self.walked(raw)
        rows = walk.found.rows
        for place, found in made.answers:
            rows += absolute([(row, under(place, steps(at))) for row, at in found])
        return self._located(raw, made.value, rows) if rows else []

    def walked(self, raw: bytes) -> list[Finding]:
        """The same findings, always by the walk."""
        try:
            value = jsontext.loads(raw.removeprefix(b"\xef\xbb\xbf"))
        except (ValueError, RecursionError):
            return self._patient(raw)
        walk = self._walk(value)
        if twice(raw, walk.names):
            reading = read(raw)
            if reading.faults:
                return self._patient(raw, reading)
        return self._located(raw, value, walk.found.rows) if walk.found.rows else []

    def _placed(self, raw: bytes, quick: Rows) -> list[Finding]:
        """The findings of the quick way."""
        if len(quick) == 1 and quick[0][0] is NARRATIVE and quick[0][1] == ():
            whole = raw if raw[0] == 123 and raw[-1] == 125 else raw.strip()
            at = 0 if whole is raw else raw.index(whole)
            return [Finding("warning", "invariant", "dom-6", quick.root, NARRATIVE[0][4], "", at, len(whole))]
        rows = []
        for found, place in quick:
            above = steps(place)
            rows += [(row, (*above, *row[3]), place) for row in found]
        paths = [path for _, path, _ in rows]
        paths += [(*path, row[2]) for row, path, _ in rows if row[1] == "unknown-element"]
        where = locate(raw, paths)
        out = []
        kinds = tuple(quick.kinds.values())
        for (severity, code, rule, below, words), path, place in rows:
            key = (quick.root, path, kinds if path and path[0] == "contained" else ())
            said = self.said.get(key)
            if said is None:
                if len(self.said) >= SAID:
                    self.said.clear()
                skeleton = {"resourceType": quick.root, "contained": [{"resourceType": kind} for kind in kinds]}
                at = under(place, below)
                said = self.said[key] = (self.expression(at, skeleton), pointer(at))
            offset, length = bytes_of(where, path, rule if code == "unknown-element" else "")
            out.append(Finding(severity, code, rule, said[0], words, said[1], offset, length))
        return out

    def _located(self, raw: bytes, value: Any, rows: list[tuple[str, str, str, Place, str]]) -> list[Finding]:
        """Rows in words, with their bytes."""
        paths: set[tuple[str | int, ...]] = set()
        for row in rows:
            path = steps(row[3])
            paths |= {path, (*path, row[2])} if row[1] == "unknown-element" else {path}
        placed = Reading(value, [], locate(raw, paths))
        return [self._word(row, value, placed) for row in rows]

    def value(self, value: Any) -> list[Finding]:
        """Findings for a decoded resource (`kernel.jsontext`), without bytes."""
        return [self._word(row, value, None) for row in self._walk(value).found.rows]

    def errors(self, value: Any) -> list[Finding]:
        """The errors of a resource that `kernel.jsontext` has read, without bytes: the quick way where it answers."""
        quick = self.swift.text(jsontext.dumps(value))
        if quick is None:
            return [one for one in self.value(value) if one.is_error]
        found = [one for one in quick if one[0] is not NARRATIVE]
        return [self._word(row, value, None) for row in absolute(found) if row[0] == "error"] if found else []

    def _walk(self, value: Any, judged: Collection[int] = frozenset()) -> Walk:
        walk = Walk(self.shapes, self.invariants, self.options, CHECKS, WHOLE)
        walk.judged = judged
        try:
            walk.document(value)
            for one in walk.resources:
                references(walk, one)
        except RecursionError:
            walk.found.error("json-too-deep", (), "too many levels")
        return walk

    def _patient(self, raw: bytes, reading: Reading | None = None) -> list[Finding]:
        reading = reading or read(raw)
        out = []
        for fault in reading.faults:
            if fault.rule == "json-comment" and self.options.comments:
                continue
            place: Place = ()
            for step in fault.path:
                place = (place, step)
            where = self.expression(place, reading.value)
            severity = "fatal" if fault.fatal else "error"
            out.append(Finding(severity, "json", fault.rule, where, fault.message, pointer(place), fault.offset, fault.length))
        if not out and not reading.faults:
            out.append(Finding("fatal", "json", "json-syntax", "", "the text is not JSON", "", 0, len(raw)))
        if isinstance(reading.value, dict):
            out += [self._word(row, reading.value, reading) for row in self._walk(reading.value).found.rows]
        return out

    def _word(self, row: tuple[str, str, str, Place, str], value: Any, reading: Reading | None) -> Finding:
        severity, code, rule, place, message = row
        offset, length = -1, 0
        if reading is not None:
            offset, length = bytes_of(reading.where, steps(place), rule if code == "unknown-element" else "")
        return Finding(severity, code, rule, self.expression(place, value), message, pointer(place), offset, length)

    def expression(self, place: Place, value: Any) -> str:
        """A place as FHIRPath, as far as the types know the way; JSON names from there on."""
        kind = value.get("resourceType") if isinstance(value, dict) else None
        known = isinstance(kind, str) and kind in self.shapes.resources
        out = kind if isinstance(kind, str) and known else "Resource"
        spec = self.shapes.spec(kind) if isinstance(kind, str) and known else None
        for step in steps(place):
            held = value.get(step) if isinstance(value, dict) and isinstance(step, str) else None
            if isinstance(step, int):
                out += f"[{step}]"
                value = value[step] if isinstance(value, list) and 0 <= step < len(value) else None
                inner = value.get("resourceType") if isinstance(value, dict) and spec is None else None
                spec = self.shapes.spec(inner) if isinstance(inner, str) and inner in self.shapes.resources else spec
                continue
            member = spec.members.get(step) if spec is not None else None
            out += "." + (member.step if member is not None else step)
            value = held
            spec = None
            if member is not None and member.resource:
                inner = held.get("resourceType") if isinstance(held, dict) else None
                spec = self.shapes.spec(inner) if isinstance(inner, str) and inner in self.shapes.resources else None
            elif member is not None and (member.test is None or member.of is not None):
                spec = self.shapes.spec("Element" if member.of is not None else member.kind)
        return out


@cache
def swift(options: Options) -> Swift:
    """The quick way under some options; what it remembers is shared."""
    return Swift(shapes(), invariants(), options, lambda: Walk(shapes(), invariants(), options, CHECKS, WHOLE))


def bytes_of(where: Mapping[tuple[str | int, ...], Where], path: tuple[str | int, ...], unknown: str) -> tuple[int, int]:
    """Offset and length of an element, or of an unknown one in it with its name; -1 and 0 where it is not known."""
    at = where.get((*path, unknown)) if unknown else None
    at = at or where.get(path)
    if at is None:
        return -1, 0
    start = at.name if unknown and at.name >= 0 else at.start
    return start, at.end - start


def absolute(quick: list[tuple[Any, Place]]) -> list[tuple[str, str, str, Place, str]]:
    """Rows below their places as rows of the walk."""
    rows = []
    for found, place in quick:
        for severity, code, rule, path, words in found:
            at = place
            for step in path:
                at = (at, step)
            rows.append((severity, code, rule, at, words))
    return rows


def under(place: Place, path: Iterable[str | int]) -> Place:
    """A place below another one."""
    for step in path:
        place = (place, step)
    return place


def steps(place: Place) -> tuple[str | int, ...]:
    """A place as a path from the document."""
    out: list[str | int] = []
    while place:
        place, step = place
        out.append(step)
    return tuple(reversed(out))


def pointer(place: Place) -> str:
    """A place as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps(place))


def apart(raw: bytes) -> bool:
    """Whether a blank stands between a name and its colon."""
    return b" :" in raw or b"\n:" in raw or b"\t:" in raw or b"\r:" in raw


def names_in(raw: bytes, blanks: bool) -> int:
    """How many names may stand in a text, strings that look like one among them."""
    return len(NAME_END.findall(raw)) if blanks else raw.count(b'":')


def twice(raw: bytes, names: int) -> bool:
    """Whether a name may stand twice in one object: more names in the text than were met. Never False when one does."""
    return names != names_in(raw, apart(raw))
