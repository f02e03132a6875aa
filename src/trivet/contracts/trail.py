"""The way back: from a decision to its record, from a record version to the unit and the bytes it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from trivet.contracts.envelope import Piece, Receipt
from trivet.contracts.record import Span

__all__ = ["DecisionPlace", "Delivered", "Docket", "ReceiptTrace", "Trail", "VersionTrace"]


@dataclass(frozen=True, slots=True)
class VersionTrace:
    """One record version as the shelf keeps it, and the receipt of the unit it was read from. `body` is its exact JSON text."""

    key: str
    version: int
    source: str
    receipt: int
    known_seq: int
    valid_at: str
    deleted: bool
    body: str
    resource: dict[str, Any]
    spans: tuple[Span, ...]


class Delivered(NamedTuple):
    """One handing over of a unit: the file (or empty), when, and which stretches of it (none for a message of its own)."""

    seq: int
    origin: str
    received_at: str
    pieces: tuple[Piece, ...]
    repeated: bool


@dataclass(frozen=True, slots=True)
class ReceiptTrace:
    """A receipt, the ledger position of the run that settled it (None while in flight), and how it was handed over."""

    receipt: Receipt
    size: int
    run: int | None
    deliveries: tuple[Delivered, ...]


class Trail(Protocol):
    """Raises NotFound for a version or a receipt that is not there."""

    def version(self, key: str, version: int) -> VersionTrace: ...

    def receipt(self, seq: int) -> ReceiptTrace: ...


class DecisionPlace(NamedTuple):
    """Where a decision stands in the ledger, and its record in the vault."""

    decision_id: str
    seq: int
    blob: str


class Docket(Protocol):
    """Raises NotFound for a decision nobody made."""

    def find(self, name: str) -> DecisionPlace: ...
