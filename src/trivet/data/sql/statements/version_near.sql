-- of all versions those that a case may need: of the types that the view reads, of its persons, and of observations only those within the
-- view's reach; and, of what speaks of no patient, what is near enough to any case for its ratios. Every version of a record comes along as soon as one of them is near,
-- so that a correction still ends what it corrects
WITH reach AS (SELECT min(instant) - to_seconds({places}) AS since, max(instant) AS until FROM cohort),
near AS (
  SELECT DISTINCT v.key
  FROM version_all AS v
  JOIN cohort AS c ON v.person = c.person AND v.known_seq <= c.as_of
  WHERE v.type IN ({types}) AND (v.type <> 'Observation'
    OR (TRY_CAST(v.valid_at AS TIMESTAMP) <= c.instant AND TRY_CAST(v.valid_at AS TIMESTAMP) > c.instant - to_seconds({lookback})))
  UNION
  SELECT v.key
  FROM version_all AS v, reach AS r
  WHERE v.type IN ({types}) AND v.person IS NULL AND v.subject IS NULL
    AND (v.valid_at IS NULL OR (TRY_CAST(v.valid_at AS TIMESTAMP) > r.since AND TRY_CAST(v.valid_at AS TIMESTAMP) <= r.until))
)
SELECT key, type, id, version, subject, person, valid_at, known_seq, receipt, source, deleted, body
FROM version_all WHERE key IN (SELECT key FROM near)
