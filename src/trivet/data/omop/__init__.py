"""OMOP CDM 5.4 out of FHIR R4 records: the model, vocabularies, the pure conversion, and where rows are written."""
