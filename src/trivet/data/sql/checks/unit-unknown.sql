-- a unit that is neither UCUM nor read by an approved row
SELECT record, person, known_seq, unit IS NULL AS breaks, 'unit ' || unit_text || ' of ' || source AS why
FROM seen_observation WHERE sent_value IS NOT NULL AND coalesce(unit_text, '') <> ''
