-- one row per number or text of an observation about a patient, as the checks need it
CREATE OR REPLACE TEMP TABLE seen_observation AS
SELECT record, element, version, person, subject, source, known_seq, encounter, taken_at,
  CASE WHEN system = 'http://loinc.org' THEN code END AS loinc, codes[1].system AS local_system, codes[1].code AS local_code,
  system LIKE 'http://loinc.org%' OR system LIKE 'http://snomed.info/%' OR system LIKE 'http://terminology.hl7.org/%' OR system LIKE 'http://hl7.org/fhir/%' AS standard,
  canonical_value AS value, canonical_unit, unit, unit_text, value AS sent_value, comparator
FROM observation
