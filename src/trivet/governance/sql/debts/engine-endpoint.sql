-- addresses written into an interface engine's channels and scripts
WITH given AS (SELECT CAST(? AS JSON) AS g)
SELECT interface || ' (' || kind || '): ' || finding AS asset,
  count(*) || ' places: ' || string_agg(DISTINCT about || ' line ' || line || ', ' || detail, '; ' ORDER BY about || ' line ' || line || ', ' || detail) AS detail,
  0 AS events_per_month, CAST(NULL AS BIGINT) AS decisions, min(imported_at) AS since
FROM given, interface_findings
WHERE finding IN ('endpoint')
GROUP BY interface, kind, finding
ORDER BY asset
