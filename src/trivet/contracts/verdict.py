"""What quality and governance say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trivet.contracts.prediction import ModelRef

__all__ = ["CheckVerdict", "GateRequest", "Permit", "Refusal"]


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """One quality check over one table: rows that break it (`failing`) of rows it speaks of (`total`).

    `verdict` is `pass`, `fail`, `not-applicable`, `insufficient`, `not-run` or `error`; `said` is why it is none of the first two;
    `rows` are keys of offending records, at most 100 of them; `stage` is `structure`, `logic` or `analysis`.
    """

    check: str
    table: str
    failing: int
    total: int
    threshold: float
    verdict: str
    rows: tuple[str, ...]
    severity: str
    stage: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class GateRequest:
    """May this model answer here, now? `artefact_digest` is computed from the bytes that are loaded.

    `mode` is `active` or `fallback` for an answer that leaves the house, `shadow` for one that does not.
    """

    use: str
    model: ModelRef
    artefact_digest: str
    site: str
    role: str
    purpose: str
    at: str
    population: dict[str, Any]
    ledger_writable: bool
    mode: str = "active"


@dataclass(frozen=True, slots=True)
class Permit:
    """Yes: under this grant, with these people answerable (duty -> principal)."""

    grant: str
    seats: dict[str, str]
    expires_at: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """No: every condition that failed, by code, and what to do instead."""

    failed: tuple[str, ...]
    instead: str
