"""FHIR R4 as a `Format`: single resources, Bundles and NDJSON, in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trivet.contracts.envelope import Unit
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element, Translation
from trivet.integration.formats.fhir.bundle import read
from trivet.integration.formats.fhir.cut import cut
from trivet.integration.formats.fhir.records import translation
from trivet.kernel.errors import Rejected

__all__ = ["FhirFormat"]


class FhirFormat:
    """FHIR R4 (http://hl7.org/fhir/R4/json.html). `options.fhir_base` names servers whose absolute references are the feed's own."""

    name = "fhir"
    reads_buffers = True

    def sniff(self, head: bytes, filename: str) -> bool:
        """A JSON object that says `resourceType`."""
        return head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").startswith(b"{") and b'"resourceType"' in head

    def split(self, raw: Any) -> Iterator[Unit]:
        """Units: lines of NDJSON, a resource, a Bundle, or its entries. `raw` may be a file mapped into memory."""
        return cut(raw)

    def translate(self, raw: bytes, profile: SourceProfile) -> Translation:
        """Resources verbatim, with the house's ids and references. A unit that cannot be read at all is one reject."""
        reading = read(raw)
        if isinstance(reading, Rejected):
            whole = Element("/", 0, len(raw), "rejected", reading.code)
            return Translation((), (whole,) if raw.strip() else (), (reading,))
        return translation(reading, profile)

    def write(self, raw: bytes) -> bytes:
        """The same bytes: JSON text is kept, never written again."""
        return bytes(raw)
