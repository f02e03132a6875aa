"""Approved tables of FHIR intake: resource types of R4, and what becomes of a Bundle's own elements."""
