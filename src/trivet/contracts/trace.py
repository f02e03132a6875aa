"""What is written in the ledger: digests and commitments, never a patient's value."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Entry", "Position"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One ledger entry before it has a place.

    `kind`: `raw.received`, `norm.run`, `norm.rerun`, `link`, `check.run`, `model.release`, `seat`, `vote`, `grant`, `route`, `decision`,
    `denial`, `display`, `override`, `outcome`, `correction`, `access`, `erasure`, ... `refs`: earlier positions it rests on.
    `digests` are SHA-256 of things that are not personal, `commitments` salted commitments to things that are.
    `notes` holds short non-personal words (a source name, a state, a reason code).
    """

    kind: str
    at: str
    refs: tuple[int, ...] = ()
    digests: dict[str, str] = field(default_factory=dict)
    commitments: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Position:
    """Where an entry stands: `seq` counts from 0, `leaf` is its RFC 6962 leaf hash, hexadecimal."""

    seq: int
    leaf: str
