-- a name or birth date that stands for not known, or a test patient
SELECT p.record, p.person, p.known_seq, n.value IS NOT NULL OR b.value IS NOT NULL AS breaks,
  CASE WHEN n.kind = 'test' THEN 'test patient' WHEN n.value IS NOT NULL THEN 'name is a placeholder' ELSE 'birth date is a placeholder' END || ', ' || p.source AS why
FROM seen_patient AS p
LEFT JOIN placeholder AS n ON n.field = 'name' AND n.value IN (p.family, p.given)
LEFT JOIN placeholder AS b ON b.field = 'birth' AND b.value = p.birth_date
QUALIFY row_number() OVER (PARTITION BY p.record ORDER BY n.kind DESC NULLS LAST) = 1
