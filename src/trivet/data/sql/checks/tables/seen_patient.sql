-- one row per Patient record; `ssn` is its social security number, null without one
CREATE OR REPLACE TEMP TABLE seen_patient AS
SELECT record, person, source, known_seq, upper(family) AS family, upper(given) AS given, birth_date, gender, deceased_at,
  regexp_replace(upper(list_filter(identifiers, lambda i: i.system IN ('http://hl7.org/fhir/sid/us-ssn', 'urn:oid:2.16.840.1.113883.4.1'))[1].value), '[^A-Z0-9]', '', 'g') AS ssn
FROM patient
