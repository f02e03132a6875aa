-- uses whose fallback was never drilled, or not recently enough
WITH given AS (SELECT CAST(? AS JSON) AS g),
routed AS (SELECT use, site, max_by(active, version) AS active, min(laid_at) AS since FROM routes GROUP BY use, site),
lately AS (SELECT use, count(*) AS decisions FROM given, decisions WHERE decided_at > g ->> 'month_ago' AND mode <> 'shadow' GROUP BY use)
SELECT routed.use || ' at ' || routed.site AS asset, 'if ' || routed.active || ' is taken away, nobody knows how long the fallback takes' AS detail,
  0 AS events_per_month, coalesce(any_value(lately.decisions), 0) AS decisions, any_value(routed.since) AS since
FROM given, routed
LEFT JOIN evidence ON evidence.model = routed.active AND evidence.requirement = 'fallback-drill' AND evidence.result = 'pass'
  AND NOT evidence.withdrawn AND evidence.expires_at > g ->> 'now'
LEFT JOIN lately ON lately.use = routed.use
WHERE routed.active IS NOT NULL
GROUP BY routed.use, routed.site, routed.active
HAVING count(evidence.evidence_id) = 0
ORDER BY asset
