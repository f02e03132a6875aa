-- source fields that hold something and that no rule speaks of
WITH given AS (SELECT CAST(? AS JSON) AS g)
SELECT source || ': ' || format || ' ' || locator AS asset, sum(elements) || ' elements in ' || sum(receipts) || ' units' AS detail,
  0 AS events_per_month, CAST(NULL AS BIGINT) AS decisions, '' AS since
FROM given, coverage
WHERE disposition = 'uncovered'
GROUP BY source, format, locator
ORDER BY sum(elements) DESC, asset
