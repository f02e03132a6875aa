"""What the hospital hands over: one file or one message, and the moment it arrived."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Delivery"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Bytes as a source delivered them.

    `source` is a name of `site/sources.toml`, `format` one of `hl7v2`, `fhir`, `ccda`, `x12`, `dicom`, `csv`; `filename`
    is unique within its source; `at` is the moment of arrival, instant text (RFC 3339, UTC, microseconds).
    """

    source: str
    format: str
    filename: str
    at: str
    payload: bytes
