-- segments that the standard does not define and no site document explains
WITH given AS (SELECT CAST(? AS JSON) AS g)
SELECT notices.source || ': ' || notices.code AS asset, CAST(sum(notices.times) AS BIGINT) || ' times' AS detail,
  CAST(coalesce(sum(notices.times) FILTER (messages.received_at > g ->> 'month_ago'), 0) AS BIGINT) AS events_per_month,
  CAST(NULL AS BIGINT) AS decisions, min(messages.received_at) AS since
FROM given, notices JOIN messages USING (receipt)
WHERE notices.kind = 'z-segment'
GROUP BY notices.source, notices.code
ORDER BY asset
