-- what the cases of a cohort may see, as `record_state`: versions about a subject that was the case's person at its position (each case
-- under a name of its own, so that links made later move nothing), of the types that the view reads, observations only within its reach;
-- and, of what speaks of no patient, what is near enough to any case. `until_seq` comes from all versions, near or not, so that a
-- correction ends what it corrects
WITH about AS MATERIALIZED (
  SELECT a.case_id, a.instant, a.as_of, l.subject
  FROM asked AS a JOIN link_all AS l ON l.person = a.person AND stood(l.known_seq, l.until_seq, a.as_of)
),
ended AS (SELECT key, version - 1 AS version, known_seq FROM version_all WHERE version > 1),
near AS (
  SELECT v.*, TRY_CAST(v.valid_at AS TIMESTAMP) AS moment, 'case-' || b.case_id AS one
  FROM version_all AS v JOIN about AS b ON v.subject = b.subject AND v.known_seq <= b.as_of
  WHERE v.type IN ({types})
    AND (v.type <> 'Observation' OR (moment <= b.instant AND moment > b.instant - to_seconds({lookback})))
  UNION ALL
  SELECT v.*, TRY_CAST(v.valid_at AS TIMESTAMP) AS moment, NULL
  FROM version_all AS v, (SELECT min(instant) - to_seconds({places}) AS since, max(instant) AS until FROM asked) AS r
  WHERE v.type IN ({types}) AND v.subject IS NULL AND (v.valid_at IS NULL OR (moment > r.since AND moment <= r.until))
)
SELECT v.key AS record, v.type, v.id, v.version, v.subject, v.one AS person, v.moment AS valid_at, v.known_seq, n.known_seq AS until_seq,
  v.receipt, v.source, v.body
FROM near AS v LEFT JOIN ended AS n ON n.key = v.key AND n.version = v.version
WHERE NOT CAST(v.deleted AS BOOLEAN)
