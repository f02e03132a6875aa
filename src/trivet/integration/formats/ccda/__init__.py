"""C-CDA documents (R1.1, R2.1, CCD) to records, entry by entry."""

from trivet.integration.formats.ccda.format import CcdaFormat

__all__ = ["CcdaFormat"]
