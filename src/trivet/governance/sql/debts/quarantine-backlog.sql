-- units from which nothing could be taken, by source and reason
WITH given AS (SELECT CAST(? AS JSON) AS g)
SELECT source || ': ' || coalesce(nullif(reason, ''), 'no reason') AS asset, count(*) || ' units wait' AS detail,
  count(*) FILTER (received_at > g ->> 'month_ago') AS events_per_month, CAST(NULL AS BIGINT) AS decisions, min(received_at) AS since
FROM given, messages
WHERE state = 'quarantined'
GROUP BY source, reason
ORDER BY count(*) DESC, asset
