"""A repair that a check proposes and a person decides."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["TAG", "Edit", "Proposal"]

TAG = "urn:trivet:repair"  # system of the tag by which a repaired version names its repair


class Edit(NamedTuple):
    """One element of a record, by its path (`component[1].valueQuantity`): what it is and what it would be; None is not there."""

    path: str
    before: Any
    after: Any


class Proposal(NamedTuple):
    """What would be changed and what speaks for it. `record` is empty where a map row and no record would change."""

    kind: str
    check: str
    record: str
    version: int
    subject: str
    edits: tuple[Edit, ...]
    evidence: tuple[str, ...]
