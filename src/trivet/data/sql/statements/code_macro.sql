-- of a list of codings the one to show: a standard system's before a local one's, else the first
CREATE OR REPLACE TEMP MACRO shown(codings) AS
  coalesce(
    list_filter(codings, lambda c: c.system IN ('http://loinc.org', 'http://snomed.info/sct', 'http://hl7.org/fhir/sid/icd-10-cm', 'http://hl7.org/fhir/sid/icd-10', 'http://www.nlm.nih.gov/research/umls/rxnorm'))[1],
    codings[1])
