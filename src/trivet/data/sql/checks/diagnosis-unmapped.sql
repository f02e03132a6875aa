-- a diagnosis without a standard code
SELECT record, person, known_seq, coalesce(system, '') NOT LIKE 'http://%' OR code IS NULL AS breaks, 'diagnosis of ' || source || ' without a standard code' AS why
FROM condition
