"""HL7 v2, versions 2.1 to 2.8: read by bytes, written back identically, translated by tables."""

from trivet.integration.formats.hl7v2.format import Hl7v2Format

__all__ = ["Hl7v2Format"]
