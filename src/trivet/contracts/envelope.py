"""How bytes come in: a `Unit` cut from what a source delivered, the `Envelope` around it, the `Receipt` that says it is safe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Envelope", "FileEnd", "Piece", "Receipt", "Unit"]


class Piece(NamedTuple):
    """A stretch of the delivered file: `length` bytes from `offset`."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest part of a delivery that can be understood, kept and erased alone.

    One HL7 v2 message, one FHIR document or NDJSON line, one C-CDA document, one claim, one table row, one DICOM object.
    `raw` is self-contained: the header a row or a claim needs stands in front of it. `pieces` says, in order, which
    stretches of the file `raw` is made of (their lengths add up to `len(raw)`). The pieces of all units of a file,
    put together, cover every byte of the file: a property test holds every format to that.
    `context` counts the leading bytes of `raw` that are shared with other units (a header, an envelope), 0 if none.
    """

    raw: bytes
    pieces: tuple[Piece, ...]
    context: int = 0

    def at(self, offset: int) -> int:
        """Position in the delivered file of a byte position in `raw`."""
        for piece in self.pieces:
            if offset < piece.length:
                return piece.offset + offset
            offset -= piece.length
        return self.pieces[-1].offset + self.pieces[-1].length if self.pieces else offset


@dataclass(frozen=True, slots=True)
class Envelope:
    """One unit as a source handed it over, before anything is known about it."""

    raw: bytes
    source: str
    format: str
    received_at: str
    origin: str = ""
    pieces: tuple[Piece, ...] = field(default=())
    context: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that an envelope is durable: its ledger position is its number in the house, for ever.

    `state` is one of `landed` (in flight), `mapped`, `quarantined`, `ignored`; `duplicate_of` names an earlier receipt
    of the same bytes from the same source, in which case nothing new was landed.
    """

    seq: int
    source: str
    format: str
    state: str
    blob: str
    received_at: str
    duplicate_of: int | None = None


class FileEnd(NamedTuple):
    """A file that was taken in whole: its length and how many of its bytes the units cover, how many units it has and how many of them
    came before, when it came."""

    source: str
    origin: str
    size: int
    covered: int
    units: int
    repeats: int
    at: str
