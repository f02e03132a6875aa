"""What translation gives: FHIR-shaped records that can name the bytes behind every element, and an account of every source field."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from trivet.kernel.errors import Rejected

__all__ = ["DISPOSITIONS", "Element", "Elements", "Notice", "Record", "Span", "Spans", "Translation"]

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


class Spans(Protocol):
    """Spans that are not made yet: thirty of them may be three references until somebody reads them."""

    def read(self) -> tuple[Span, ...]:
        """All of them, in order."""


class Elements(Protocol):
    """The account of a unit that is not written out yet."""

    def read(self) -> tuple[Element, ...]:
        """One element for each non-empty source element, in order."""


class Record:
    """One FHIR R4 resource as a plain dict (numbers: int or Decimal, see `kernel.jsontext`), with its spans.

    Not to be changed. Spans may be given as something that makes them; then they are made once, when they are first read.
    """

    __slots__ = ("_spans", "resource")

    def __init__(self, resource: dict[str, Any], spans: tuple[Span, ...] | Spans) -> None:
        self.resource, self._spans = resource, spans

    @property
    def spans(self) -> tuple[Span, ...]:
        """The bytes behind every element."""
        held = self._spans
        if not isinstance(held, tuple):
            held = self._spans = held.read()
        return held

    @property
    def key(self) -> str:
        """`Patient/0938...`: type and id."""
        return f"{self.resource['resourceType']}/{self.resource['id']}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self.resource == other.resource and self.spans == other.spans

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Record(resource={self.resource!r}, spans={self.spans!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Record, (self.resource, self.spans)


class Translation:
    """All that one unit says. `elements` names every non-empty source element exactly once. Not to be changed.

    `ignored` names the rule when the whole unit is ignored on purpose. A unit with rejects and records is partial; a unit
    with rejects and no records is quarantined. Elements may be given as something that makes them, like spans.
    """

    __slots__ = ("_elements", "ignored", "notices", "records", "rejects")

    def __init__(
        self,
        records: tuple[Record, ...],
        elements: tuple[Element, ...] | Elements,
        rejects: tuple[Rejected, ...] = (),
        notices: tuple[Notice, ...] = (),
        ignored: str = "",
    ) -> None:
        self.records, self._elements, self.rejects, self.notices, self.ignored = records, elements, rejects, notices, ignored

    @property
    def elements(self) -> tuple[Element, ...]:
        """What became of every non-empty source element."""
        held = self._elements
        if not isinstance(held, tuple):
            held = self._elements = held.read()
        return held

    def instead(self, records: tuple[Record, ...], notices: tuple[Notice, ...]) -> Translation:
        """The same translation with other records and notices."""
        return Translation(records, self._elements, self.rejects, notices, self.ignored)

    def _all(self) -> tuple[Any, ...]:
        return self.records, self.elements, self.rejects, self.notices, self.ignored

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Translation) and self._all() == other._all()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Translation{self._all()!r}"

    def __reduce__(self) -> tuple[Any, ...]:
        return Translation, self._all()
