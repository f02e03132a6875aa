"""DICOM objects: their headers to ImagingStudy and Patient, structured reports as text. No pixels."""

from trivet.integration.formats.dicom.format import DicomFormat

__all__ = ["DicomFormat"]
