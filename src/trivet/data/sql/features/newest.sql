-- of the readings of each feature the newest; ties go to what became known last, then by name, so that the choice never wavers
SELECT case_id, feature, taken_at, record, version, path, number, why
FROM reading
QUALIFY row_number() OVER (PARTITION BY case_id, feature ORDER BY taken_at DESC, known_seq DESC, record DESC, version DESC, path DESC) = 1
