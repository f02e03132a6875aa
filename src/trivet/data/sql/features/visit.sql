-- every encounter of a case's person that was known by then and begun by the instant, in every version, with whether that version stood
SELECT c.case_id, c.instant, e.record, e.version, e.class, e.start_at, e.end_at, e.types, e.location, stood(e.known_seq, e.until_seq, c.as_of) AS stands
FROM cohort AS c
JOIN encounter AS e ON e.person = c.person AND e.known_seq <= c.as_of AND e.start_at <= c.instant
WHERE coalesce(e.status, '') NOT IN ('cancelled', 'entered-in-error', 'planned')
