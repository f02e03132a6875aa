"""Approved tables of OMOP CDM 5.4: its shape, how FHIR R4 becomes its rows, which conventions may replace which, the guide's statements."""
