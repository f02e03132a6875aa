-- speaks of a patient whom nobody knows, or of an encounter that is not there
SELECT r.record, r.person, r.known_seq, r.subject LIKE 'Patient/%' AND r.person IS NULL OR r.encounter LIKE 'Encounter/%' AND e.record IS NULL AS breaks,
  r.type || ' of ' || r.source || CASE WHEN r.person IS NULL THEN ' without its patient' ELSE ' without its encounter' END AS why
FROM seen_record AS r
LEFT JOIN seen_record AS e ON e.record = r.encounter
WHERE r.subject LIKE 'Patient/%'
