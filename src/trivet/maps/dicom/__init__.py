"""Approved tables of DICOM: which data elements become what."""
