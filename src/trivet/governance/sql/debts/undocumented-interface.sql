-- sources that nobody documented, with what came over them in the last 30 days
WITH given AS (SELECT CAST(? AS JSON) AS g),
seen AS (SELECT source FROM sources UNION SELECT DISTINCT source FROM messages),
traffic AS (SELECT source, count(*) AS units, min(received_at) AS since FROM messages GROUP BY source),
strange AS (
  SELECT receipt.source, count(*) AS events FROM given, notices JOIN messages AS receipt USING (receipt)
  WHERE receipt.received_at > g ->> 'month_ago' GROUP BY receipt.source
)
SELECT seen.source AS asset, 'no document says what this feed means; ' || coalesce(traffic.units, 0) || ' units came over it' AS detail,
  coalesce(strange.events, 0) AS events_per_month, CAST(NULL AS BIGINT) AS decisions, coalesce(traffic.since, '') AS since
FROM given, seen LEFT JOIN sources USING (source) LEFT JOIN traffic USING (source) LEFT JOIN strange USING (source)
WHERE NOT coalesce(sources.documented, false)
ORDER BY asset
