-- uses with nobody behind the live model
WITH given AS (SELECT CAST(? AS JSON) AS g),
routed AS (SELECT use, site, max_by(active, version) AS active, max_by(fallbacks, version) AS fallbacks, min(laid_at) AS since FROM routes GROUP BY use, site),
lately AS (SELECT use, count(*) AS decisions FROM given, decisions WHERE decided_at > g ->> 'month_ago' AND mode <> 'shadow' GROUP BY use)
SELECT routed.use || ' at ' || routed.site AS asset, 'without ' || routed.active || ' the answer is withheld' AS detail,
  0 AS events_per_month, coalesce(lately.decisions, 0) AS decisions, routed.since
FROM given, routed LEFT JOIN lately ON lately.use = routed.use
WHERE routed.active IS NOT NULL AND json_array_length(routed.fallbacks) = 0
ORDER BY asset
