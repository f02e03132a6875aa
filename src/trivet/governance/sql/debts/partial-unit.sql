-- parts of units that were not taken, by source and code
WITH given AS (SELECT CAST(? AS JSON) AS g)
SELECT rejects.source || ': ' || rejects.code AS asset, count(*) || ' parts; ' || any_value(rejects.reason) AS detail,
  count(*) FILTER (messages.received_at > g ->> 'month_ago') AS events_per_month, CAST(NULL AS BIGINT) AS decisions, min(messages.received_at) AS since
FROM given, rejects JOIN messages USING (receipt)
WHERE messages.state = 'mapped'
GROUP BY rejects.source, rejects.code
ORDER BY count(*) DESC, asset
