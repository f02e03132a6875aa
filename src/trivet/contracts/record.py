"""What translation gives: FHIR-shaped records that can name the bytes behind every element, and an account of every source field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from trivet.kernel.errors import Rejected

__all__ = ["DISPOSITIONS", "Element", "Notice", "Record", "Span", "Translation"]

DISPOSITIONS = ("mapped", "carried", "dropped", "uncovered", "rejected")


class Span(NamedTuple):
    """The bytes behind one element of a record.

    `path` is the FHIR element path inside the resource with list indices (`code.coding[0].code`), `offset` and `length`
    count bytes of the unit's `raw`, `locator` is the source's own name for the place (`OBX[3]-5[1].2`,
    `/entry/4/resource/valueQuantity/value`, `CLM[2]-02`, `r=17;c=lab_value`), `rule` the map row that made the element.
    """

    path: str
    offset: int
    length: int
    locator: str
    rule: str


class Element(NamedTuple):
    """One non-empty source element and what became of it.

    `disposition`: `mapped` (into an element that a span names), `carried` (kept verbatim in the record without
    interpretation), `dropped` (by the named rule), `uncovered` (no rule speaks of it), `rejected` (inside a rejected part).
    """

    locator: str
    offset: int
    length: int
    disposition: str
    rule: str


class Notice(NamedTuple):
    """Something a person must look at, queued and counted, though the record went through.

    `kind`: `unknown-code`, `unknown-unit`, `missing-unit`, `z-segment`, `doubtful-date`, ... `system` and `code` say what
    was met (vocabulary only, never a patient's value).
    """

    kind: str
    system: str
    code: str
    locator: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Record:
    """One FHIR R4 resource as a plain dict (numbers: int or Decimal, see `kernel.jsontext`), with its spans."""

    resource: dict[str, Any]
    spans: tuple[Span, ...]

    @property
    def key(self) -> str:
        """`Patient/0938...`: type and id."""
        return f"{self.resource['resourceType']}/{self.resource['id']}"


@dataclass(frozen=True, slots=True)
class Translation:
    """All that one unit says. `elements` names every non-empty source element exactly once.

    `ignored` names the rule when the whole unit is ignored on purpose. A unit with rejects and records is partial; a unit
    with rejects and no records is quarantined.
    """

    records: tuple[Record, ...]
    elements: tuple[Element, ...]
    rejects: tuple[Rejected, ...] = ()
    notices: tuple[Notice, ...] = ()
    ignored: str = ""
