-- two encounters of one person, one source and one class that begin within an hour
SELECT e.record, e.person, e.known_seq, o.record IS NOT NULL AS breaks, 'begins with ' || o.record || ' of the same source' AS why
FROM seen_encounter AS e
LEFT JOIN seen_encounter AS o ON o.person = e.person AND o.source = e.source AND o.class IS NOT DISTINCT FROM e.class AND o.record < e.record
  AND abs(epoch(o.start_at - e.start_at)) < 3600
WHERE e.start_at IS NOT NULL AND e.person IS NOT NULL AND coalesce(e.status, '') NOT IN ('cancelled', 'entered-in-error')
  AND coalesce(o.status, '') NOT IN ('cancelled', 'entered-in-error')
QUALIFY row_number() OVER (PARTITION BY e.record ORDER BY o.record) = 1
