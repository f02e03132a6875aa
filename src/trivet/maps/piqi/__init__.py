"""Approved tables of the PIQI rubric: assessment modules, the entities of FHIR records, the criteria with their weights."""
