-- quarantined, or taken in part
SELECT 'receipt/' || receipt AS record, CAST(NULL AS VARCHAR) AS person, receipt AS known_seq, state = 'quarantined' OR partial AS breaks,
  source || ' ' || CASE WHEN partial THEN 'taken in part ' ELSE 'quarantined ' END || coalesce(reason, '') AS why
FROM seen_message
