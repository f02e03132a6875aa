"""SQL on FHIR views that ship: one ViewDefinition a file, over the resources of US Core."""
