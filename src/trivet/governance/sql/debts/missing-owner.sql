-- sources without an owner
WITH given AS (SELECT CAST(? AS JSON) AS g),
seen AS (SELECT source FROM sources UNION SELECT DISTINCT source FROM messages)
SELECT seen.source AS asset, 'nobody answers for this feed' AS detail, 0 AS events_per_month, CAST(NULL AS BIGINT) AS decisions, '' AS since
FROM given, seen LEFT JOIN sources USING (source)
WHERE coalesce(sources.owner, '') IN ('', 'unknown')
ORDER BY asset
