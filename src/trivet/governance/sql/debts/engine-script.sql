-- code in an interface engine, which has no tests there: one for each interface that holds any
WITH given AS (SELECT CAST(? AS JSON) AS g)
SELECT interface || ' (' || kind || ')' AS asset, scripts || ' scripts, ' || lines || ' lines of code' AS detail,
  0 AS events_per_month, CAST(NULL AS BIGINT) AS decisions, imported_at AS since
FROM given, interfaces
WHERE lines > 0
ORDER BY asset
