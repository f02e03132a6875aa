"""Packs a translation for the shelf: record bodies, lineage, coverage counts, notices. Pure, so that it runs in any process.

In: a `Translation` and the profile it was made with. Out: a `Parcel`. Refused: nothing; what is wrong is in the parcel.
"""

from __future__ import annotations

import csv
import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

import msgspec

from trivet.contracts.parcel import CoverageLine, NoticeLine, Parcel, Sheet
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Record, Span, Translation
from trivet.data.instants import lower_bound
from trivet.kernel import jsontext, resources
from trivet.kernel.errors import Rejected

__all__ = ["failed", "open_spans", "pack", "place"]

INDEX = re.compile(r"\[\d+\]|(?<=/)\d+(?=/|$)|\br=\d+;")
_encoder = msgspec.json.Encoder()


def pack(translation: Translation, profile: SourceProfile) -> Parcel:
    """The parcel of one translated unit."""
    state, reason = verdict(translation)
    return Parcel(
        state=state,
        reason=reason,
        partial=state == "mapped" and bool(translation.rejects),
        sheets=tuple(sheet(record, profile.zone) for record in translation.records),
        spans=close_spans(translation.records),
        coverage=coverage(translation),
        notices=notices(translation),
        rejects=translation.rejects,
        people=Translation(people(translation.records), ()),
    )


def failed(rejected: Rejected) -> Parcel:
    """The parcel of a unit that could not be translated at all."""
    return Parcel("quarantined", rejected.code, False, (), b"", (), (), (rejected,), Translation((), ()))


def people(records: Iterable[Record]) -> tuple[Record, ...]:
    """What a linker reads: every Patient record, and one record of each subject that the unit says nothing else about."""
    patients = {record.key: replace(record, spans=()) for record in records if record.resource["resourceType"] == "Patient"}
    others: dict[str, Record] = {}
    for record in records:
        about = subject(record.resource)
        if about and about not in patients:
            others.setdefault(about, replace(record, spans=()))
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
    kind = resource["resourceType"]
    key = f"{kind}/{resource['id']}"
    return Sheet(
        key=key,
        type=kind,
        id=resource["id"],
        subject=key if kind == "Patient" else subject(resource),
        valid_at=valid_at(resource, zone),
        deleted=int(retracted(resource)),
        body=body.decode("utf-8"),
        digest=hashlib.sha256(body).digest(),
    )


def subject(resource: dict[str, Any]) -> str:
    """The `Patient/<id>` a record is about; empty when it is about nobody."""
    for path in paths("subjects.csv", resource["resourceType"]):
        found = place(resource, path)
        if isinstance(found, str) and found.startswith("Patient/"):
            return found
    return ""


def valid_at(resource: dict[str, Any], zone: str) -> str:
    """When the record was true, as instant text; empty when it bears no event time."""
    for path in paths("times.csv", resource["resourceType"]):
        found = place(resource, path)
        if isinstance(found, str) and (moment := lower_bound(found, zone)):
            return moment
    return ""


def retracted(resource: dict[str, Any]) -> bool:
    """Did the sender take it back?"""
    return any(place(resource, path) == value for path, value in retractions(resource["resourceType"]))


def place(resource: Any, path: tuple[str, ...]) -> Any:
    """The value at a path of names and list positions; None when there is none."""
    for name in path:
        if isinstance(resource, dict):
            resource = resource.get(name)
        elif isinstance(resource, list) and name.isdigit() and int(name) < len(resource):
            resource = resource[int(name)]
        else:
            return None
    return resource


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """A shipped table about records."""
    return tuple(csv.DictReader(resources.text("trivet.maps", "records", name).splitlines()))


@cache
def paths(name: str, kind: str) -> tuple[tuple[str, ...], ...]:
    """The paths of one record type in rank order, those of every type behind them."""
    found = [(row["type"] == "*", int(row["rank"]), row["path"]) for row in rows(name) if row["type"] in (kind, "*")]
    return tuple(tuple(path.split(".")) for _, _, path in sorted(found))


@cache
def retractions(kind: str) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Paths and values by which a sender takes a record of this type back."""
    return tuple((tuple(row["path"].split(".")), row["value"]) for row in rows("retracted.csv") if row["type"] in (kind, "*"))


def close_spans(records: Iterable[Record]) -> bytes:
    """Lineage of a unit's records as compressed JSON: key -> [[path, offset, length, locator, rule], ...]."""
    spans = {record.key: record.spans for record in records}
    return zlib.compress(_encoder.encode(spans), 1) if spans else b""


def open_spans(blob: bytes, key: str) -> tuple[Span, ...]:
    """The spans of one record out of its unit's lineage; none when the unit says nothing of it."""
    found = msgspec.json.decode(zlib.decompress(blob)).get(key, ()) if blob else ()
    return tuple(Span(*span) for span in found)


@lru_cache(maxsize=65_536)
def pattern(locator: str) -> str:
    """A locator without its indices: `OBX[3]-5[1].2` -> `OBX-5.2`, `/entry/4/resource` -> `/entry/*/resource`, `r=17;c=x` -> `c=x`."""
    return INDEX.sub(lambda found: "*" if found[0].isdigit() else "", locator)


def coverage(translation: Translation) -> tuple[CoverageLine, ...]:
    """Elements counted by place, disposition and rule."""
    counts = Counter((pattern(element.locator), element.disposition, element.rule) for element in translation.elements)
    return tuple(CoverageLine(*key, count) for key, count in sorted(counts.items()))


def notices(translation: Translation) -> tuple[NoticeLine, ...]:
    """Notices counted by kind, system and code; the first place stands for the rest."""
    first: dict[tuple[str, str, str], NoticeLine] = {}
    for notice in translation.notices:
        name = (notice.kind, notice.system, notice.code)
        known = first.get(name)
        first[name] = known._replace(times=known.times + 1) if known else NoticeLine(*notice, 1)
    return tuple(first.values())
