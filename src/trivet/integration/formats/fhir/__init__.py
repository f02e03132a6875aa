"""FHIR R4 in: resources, Bundles, NDJSON."""

from trivet.integration.formats.fhir.format import FhirFormat

__all__ = ["FhirFormat"]
