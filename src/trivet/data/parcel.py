"""Packs a translation for the shelf: record bodies, lineage, coverage counts, notices. Pure, so that it runs in any process.

In: a `Translation` and the profile it was made with. Out: a `Parcel`. Refused: nothing; what is wrong is in the parcel.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from hashlib import sha256
from typing import Any

import msgspec

from trivet.contracts.parcel import CoverageLine, NoticeLine, Parcel, Sheet
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Record, Span, Translation
from trivet.contracts.traffic import NO_TRAFFIC
from trivet.data.instants import lower_bound
from trivet.data.interfaces.observe import observe
from trivet.kernel import jsontext, resources
from trivet.kernel.errors import Rejected

__all__ = ["close_raw", "failed", "open_all", "open_spans", "pack", "pattern", "rows", "sheet"]

INDEX = re.compile(r"\[\d+\]|(?<=/)\d+(?=/|$)|\br=\d+;")
_encoder = msgspec.json.Encoder()


def pack(translation: Translation, profile: SourceProfile, raw: bytes = b"") -> Parcel:
    """The parcel of one translated unit; without its bytes it says nothing to the register of interfaces."""
    state, reason = verdict(translation)
    sheets = tuple([sheet(record, profile.zone) for record in translation.records])
    about = people(translation.records, sheets)
    return Parcel(
        state=state,
        reason=reason,
        partial=state == "mapped" and bool(translation.rejects),
        sheets=sheets,
        spans=close_spans(translation.records),
        coverage=coverage(translation),
        notices=notices(translation),
        rejects=translation.rejects,
        people=Translation(about, ()),
        traffic=observe(raw, translation, profile.format, about) if raw else NO_TRAFFIC,
    )


def failed(rejected: Rejected) -> Parcel:
    """The parcel of a unit that could not be translated at all."""
    return Parcel("quarantined", rejected.code, False, (), b"", (), (), (rejected,), Translation((), ()))


def people(records: Sequence[Record], sheets: Sequence[Sheet]) -> tuple[Record, ...]:
    """What a linker reads: every Patient record, and one record of each subject that the unit says nothing else about."""
    stand = [(record, about) for record, about in zip(records, sheets, strict=True) if not (about.deleted and about.type == "Patient")]
    patients = {about.key: Record(record.resource, ()) for record, about in stand if about.type == "Patient"}
    others: dict[str, Record] = {}
    for record, about in stand:
        if about.subject and about.subject not in patients and about.subject not in others:
            others[about.subject] = Record(record.resource, ())
    return (*patients.values(), *others.values())


def verdict(translation: Translation) -> tuple[str, str]:
    """End state and reason of a unit: exactly one, for every unit."""
    if translation.ignored:
        return "ignored", translation.ignored
    if translation.records:
        return "mapped", translation.rejects[0].code if translation.rejects else ""
    return "quarantined", translation.rejects[0].code if translation.rejects else "no-records"


def sheet(record: Record, zone: str) -> Sheet:
    """One record as the shelf keeps it."""
    resource = record.resource
    body = jsontext.dumps(resource)
    kind, id_ = resource["resourceType"], resource["id"]
    key = f"{kind}/{id_}"
    subjects, times, retractions = readers(kind)
    subject = ""
    if kind == "Patient":
        subject = key
    else:
        for first, read in subjects:
            if first in resource:
                found = read(resource)
                if isinstance(found, str) and found.startswith("Patient/"):
                    subject = found
                    break
    valid_at = ""
    for first, read in times:
        if first in resource:
            found = read(resource)
            if isinstance(found, str) and (valid_at := lower_bound(found, zone)):
                break
    deleted = 0
    for first, read, value in retractions:
        if first in resource and read(resource) == value:
            deleted = 1
            break
    return Sheet(key, kind, id_, subject, valid_at, deleted, str(body, "utf-8"), sha256(body).digest())


def reader(path: tuple[str, ...]) -> Callable[[dict[str, Any]], Any]:
    """Reads the value at a path of names and list positions; None when there is none. Short paths, which are most, are quick."""
    first, *rest = path
    second = rest[0] if rest else ""

    def one(resource: dict[str, Any]) -> Any:
        return resource.get(first)

    def two(resource: dict[str, Any]) -> Any:
        found = resource.get(first)
        return found.get(second) if isinstance(found, dict) else None

    def deeper(resource: dict[str, Any]) -> Any:
        found = resource.get(first)
        if found is None:
            return None
        for name in rest:
            if isinstance(found, dict):
                found = found.get(name)
            elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            else:
                return None
        return found

    if not rest:
        return one
    return two if len(rest) == 1 and not second.isdigit() else deeper


Read = Callable[[dict[str, Any]], Any]
Reader = tuple[str, Read]  # without its first step in a record there is nothing to read


@cache
def readers(kind: str) -> tuple[tuple[Reader, ...], tuple[Reader, ...], tuple[tuple[str, Read, str], ...]]:
    """How to read subject, event time and retraction of one record type, by the approved tables."""
    subjects = tuple((path[0], reader(path)) for path in paths("subjects.csv", kind))
    times = tuple((path[0], reader(path)) for path in paths("times.csv", kind))
    taken_back = [(tuple(row["path"].split(".")), row["value"]) for row in rows("retracted.csv") if row["type"] in (kind, "*")]
    return subjects, times, tuple((path[0], reader(path), value) for path, value in taken_back)


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """A shipped table about records."""
    return tuple(csv.DictReader(resources.text("trivet.maps", "records", name).splitlines()))


@cache
def paths(name: str, kind: str) -> tuple[tuple[str, ...], ...]:
    """The paths of one record type in rank order, those of every type behind them."""
    found = [(row["type"] == "*", int(row["rank"]), row["path"]) for row in rows(name) if row["type"] in (kind, "*")]
    return tuple(tuple(path.split(".")) for _, _, path in sorted(found))


def close_spans(records: Iterable[Record]) -> bytes:
    """Lineage of a unit's records as compressed JSON: key -> [[path, offset, length, locator, rule], ...]."""
    spans = {record.key: record.spans for record in records}
    return zlib.compress(_encoder.encode(spans), 1) if spans else b""


def open_spans(blob: bytes, key: str) -> tuple[Span, ...]:
    """The spans of one record out of its unit's lineage; none when the unit says nothing of it."""
    found = msgspec.json.decode(zlib.decompress(blob)).get(key, ()) if blob else ()
    return tuple(Span(*span) for span in found)


def open_all(blob: bytes) -> dict[str, Any]:
    """The spans of every record of a unit, by key."""
    found: dict[str, Any] = msgspec.json.decode(zlib.decompress(blob)) if blob else {}
    return found


def close_raw(spans: dict[str, Any]) -> bytes:
    """The same packed again."""
    return zlib.compress(_encoder.encode(spans), 1) if spans else b""


class Patterns(dict[str, str]):
    """Locators without their indices, remembered; emptied when there are too many to be worth it."""

    def __missing__(self, locator: str) -> str:
        if len(self) > 100_000:
            self.clear()
        self[locator] = made = INDEX.sub(lambda found: "*" if found[0].isdigit() else "", locator)
        return made


_patterns = Patterns()
_lines: dict[tuple[str, str, str, int], CoverageLine] = {}
_structures: dict[tuple[Any, ...], tuple[CoverageLine, ...]] = {}
STRUCTURES = 2_000  # accounts that are remembered at a time


def pattern(locator: str) -> str:
    """A locator without its indices: `OBX[3]-5[1].2` -> `OBX-5.2`, `/entry/4/resource` -> `/entry/*/resource`, `r=17;c=x` -> `c=x`."""
    return _patterns[locator]


def coverage(translation: Translation) -> tuple[CoverageLine, ...]:
    """Elements counted by place, disposition and rule. Units of a feed are much the same: what was counted for one stands for its like."""
    if not translation.elements:
        return ()
    locators, _, _, dispositions, rules = zip(*translation.elements, strict=True)
    known = _structures.get((locators, dispositions, rules))
    if known is None:
        counts = Counter(zip(map(_patterns.__getitem__, locators), dispositions, rules, strict=True))
        if len(_structures) >= STRUCTURES:
            _structures.clear()
            _lines.clear()
        known = tuple([_lines.setdefault((*key, count), CoverageLine(*key, count)) for key, count in counts.items()])
        _structures[locators, dispositions, rules] = known
    return known


def notices(translation: Translation) -> tuple[NoticeLine, ...]:
    """Notices counted by kind, system and code; the first place stands for the rest."""
    first: dict[tuple[str, str, str], NoticeLine] = {}
    for notice in translation.notices:
        name = (notice.kind, notice.system, notice.code)
        known = first.get(name)
        first[name] = known._replace(times=known.times + 1) if known else NoticeLine(*notice, 1)
    return tuple(first.values())
