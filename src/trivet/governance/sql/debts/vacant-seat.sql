-- seats of registered models that nobody holds
WITH given AS (SELECT CAST(? AS JSON) AS g),
needed AS (SELECT DISTINCT releases.model AS system, seat.value AS seat FROM releases, given, unnest(CAST(g -> 'seats' AS VARCHAR[])) AS seat(value)),
left_at AS (SELECT system, seat, max(until) AS until FROM seats GROUP BY system, seat),
lately AS (SELECT model, count(*) AS decisions FROM given, decisions WHERE decided_at > g ->> 'month_ago' AND mode <> 'shadow' GROUP BY model)
SELECT needed.system || ': ' || needed.seat AS asset,
  CASE WHEN list_contains(CAST(g -> 'duties' AS VARCHAR[]), needed.seat) THEN 'nobody; the model may not answer' ELSE 'nobody; the next gate cannot pass' END AS detail,
  0 AS events_per_month, coalesce(lately.decisions, 0) AS decisions, coalesce(left_at.until, '') AS since
FROM given, needed
LEFT JOIN seats ON seats.system = needed.system AND seats.seat = needed.seat AND seats.until = ''
LEFT JOIN left_at ON left_at.system = needed.system AND left_at.seat = needed.seat
LEFT JOIN lately ON lately.model = needed.system
WHERE seats.principal IS NULL
ORDER BY asset
