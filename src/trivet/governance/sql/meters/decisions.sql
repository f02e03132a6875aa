-- what is metered: answers by use and month, shadows apart
WITH given AS (SELECT CAST(? AS JSON) AS g)
SELECT use, left(decided_at, 7) AS month, count(*) FILTER (mode <> 'shadow') AS answers,
  count(*) FILTER (mode <> 'shadow' AND outcome IN ('scored', 'fallback')) AS scored, count(*) FILTER (mode = 'shadow') AS shadows,
  min(decided_at) FILTER (mode <> 'shadow') AS first_at, max(decided_at) AS last_at
FROM given, decisions
GROUP BY use, left(decided_at, 7)
ORDER BY use, month
