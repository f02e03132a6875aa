-- models in shadow that ran and were judged, but not let live: alignment that is stuck
WITH given AS (SELECT CAST(? AS JSON) AS g),
tried AS (SELECT model, count(*) AS runs, min(decided_at) AS since FROM decisions WHERE mode = 'shadow' GROUP BY model),
live AS (SELECT DISTINCT model FROM given, grants WHERE stage <> 'silent' AND revoked_at = '' AND expires_at > g ->> 'now')
SELECT tried.model AS asset, tried.runs || ' shadow runs, no live grant' AS detail, 0 AS events_per_month, CAST(NULL AS BIGINT) AS decisions, tried.since
FROM given, tried LEFT JOIN live USING (model)
WHERE live.model IS NULL
ORDER BY asset
