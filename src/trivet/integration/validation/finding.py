"""What the validator says: one finding per breach, with the element, the bytes and the reason, and never a value of the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["ISSUE_TYPES", "Finding", "Found", "Place"]

Place = Any
"""Where a value stands: `()` for the document, else `(place above, key)` with the JSON name or the index as key."""

ISSUE_TYPES = {
    # finding code -> issue type of FHIR (http://hl7.org/fhir/issue-type), where it is not `invalid`
    "unknown-element": "structure",
    "unknown-type": "structure",
    "json-type": "structure",
    "cardinality": "structure",
    "choice": "structure",
    "empty": "structure",
    "missing": "required",
    "value": "value",
    "binding": "code-invalid",
    "unknown-code": "code-invalid",
    "display": "invalid",
    "invariant": "invariant",
    "reference-target": "structure",
    "unresolved": "not-found",
    "bundle": "invalid",
    "extension": "extension",
    "rule": "business-rule",
    "undecided": "incomplete",
}


class Finding(NamedTuple):
    """`severity`: fatal, error, warning, information. `code`: the class of rule; `rule`: its key in the standard (`pat-1`) or here.

    `expression` is a FHIRPath that leads to the element (`Patient.contact[0]`); for what is missing or unknown it leads to the
    element that lacks or holds it. `pointer` is the JSON pointer (RFC 6901); `offset` and `length` are bytes of the text, -1 and 0
    where the text was not at hand. `message` says in words what does not hold and never quotes a value.
    """

    severity: str
    code: str
    rule: str
    expression: str
    message: str
    pointer: str = ""
    offset: int = -1
    length: int = 0

    @property
    def type(self) -> str:
        """The issue type of FHIR."""
        return ISSUE_TYPES.get(self.code, "invalid")

    @property
    def is_error(self) -> bool:
        """Whether the resource is refused for it."""
        return self.severity in ("error", "fatal")

    def as_dict(self) -> dict[str, Any]:
        """The documented JSON form."""
        named = {**self._asdict(), "type": self.type}
        if self.offset < 0:
            del named["offset"], named["length"]
        return named


@dataclass(slots=True)
class Found:
    """Findings under way: places are put in words only when something was found."""

    rows: list[tuple[str, str, str, Place, str]] = field(default_factory=list)

    def error(self, code: str, place: Place, message: str, rule: str = "") -> None:
        """A breach."""
        self.rows.append(("error", code, rule or code, place, message))

    def warn(self, code: str, place: Place, message: str, rule: str = "") -> None:
        """Allowed, and rarely meant."""
        self.rows.append(("warning", code, rule or code, place, message))

    def tell(self, code: str, place: Place, message: str, rule: str = "") -> None:
        """Something that was not decided."""
        self.rows.append(("information", code, rule or code, place, message))
