-- the stay a case is about: the newest inpatient encounter begun by the instant, in the words of every source; encounters that begin
-- within twelve hours before it are the same stay in another system. One row for each record
SELECT c.case_id, c.instant, e.record, e.version, e.start_at, CASE WHEN e.end_at <= c.instant THEN e.end_at END AS end_at, e.types, e.location
FROM cohort AS c
JOIN encounter AS e ON e.person = c.person AND e.start_at <= c.instant AND stood(e.known_seq, e.until_seq, c.as_of)
JOIN inpatient_class AS i ON i.item = e.class
WHERE coalesce(e.status, '') NOT IN ('cancelled', 'entered-in-error', 'planned')
QUALIFY e.start_at >= max(e.start_at) OVER (PARTITION BY c.case_id) - to_hours(12)
