"""X12 in: claims, remittances, enrolment, eligibility, status, review; acknowledgements out."""

from trivet.integration.formats.x12.format import X12Format

__all__ = ["X12Format"]
