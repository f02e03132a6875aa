-- a number without a unit, where the test has one
SELECT o.record, o.person, o.known_seq, coalesce(o.unit_text, '') = '' AND o.unit IS NULL AS breaks,
  coalesce(o.loinc, o.local_code, 'uncoded') || ' of ' || o.source || ' without a unit' AS why
FROM seen_observation AS o
WHERE o.sent_value IS NOT NULL AND coalesce(o.loinc, '') NOT IN (SELECT loinc FROM unitless)
  AND EXISTS (SELECT 1 FROM seen_observation AS s WHERE s.source = o.source AND s.local_code IS NOT DISTINCT FROM o.local_code AND s.unit_text IS NOT NULL)
