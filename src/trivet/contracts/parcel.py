"""One translated unit packed for the shelf: small enough to send between processes, complete enough to forget the translation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.contracts.traffic import NO_TRAFFIC, Traffic
from trivet.kernel.errors import Rejected

__all__ = ["CoverageLine", "NoticeLine", "Parcel", "Sheet", "Task"]


class Task(NamedTuple):
    """What a workshop needs to make a parcel: a unit's bytes, what the site says about its feed, the day it came (UTC; empty when its
    traffic is not to be added up)."""

    seq: int
    raw: bytes
    profile: SourceProfile
    day: str = ""


class Sheet(NamedTuple):
    """One record as the shelf keeps it. `subject` is `Patient/<id>` or empty, `valid_at` instant text or empty (no event time),
    `deleted` 1 when the sender took the record back, `body` its JSON, `digest` the SHA-256 of that JSON."""

    key: str
    type: str
    id: str
    subject: str
    valid_at: str
    deleted: int
    body: str
    digest: bytes


class CoverageLine(NamedTuple):
    """How many elements at this place (a locator without its indices) had this fate under this rule."""

    locator: str
    disposition: str
    rule: str
    elements: int


class NoticeLine(NamedTuple):
    """Notices of one kind about one code in one unit: where the first one stands, and how many there are."""

    kind: str
    system: str
    code: str
    locator: str
    offset: int
    length: int
    times: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """`state` is the end state the unit deserves (`mapped`, `quarantined`, `ignored`), `reason` the rule or error code behind it.

    `spans` is the compressed lineage of all records of the unit. `people` holds what a linker reads: every Patient record, and for
    each subject without one a record about it, all without spans. `traffic` is what the register of interfaces learns from the unit,
    or from it and others of its portion: it counts whatever becomes of the records.
    """

    state: str
    reason: str
    partial: bool
    sheets: tuple[Sheet, ...]
    spans: bytes
    coverage: tuple[CoverageLine, ...]
    notices: tuple[NoticeLine, ...]
    rejects: tuple[Rejected, ...]
    people: Translation
    traffic: Traffic = NO_TRAFFIC
