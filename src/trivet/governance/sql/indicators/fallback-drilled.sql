-- every use that is routed: was its fallback drilled here, and recently enough?
WITH given AS (SELECT CAST(? AS JSON) AS g),
routed AS (SELECT use, site, max_by(active, version) AS active FROM routes GROUP BY use, site)
SELECT count(evidence.evidence_id) > 0 AS ok, routed.use, routed.site, routed.active, coalesce(max(evidence.produced_at), '') AS drilled_at
FROM given, routed LEFT JOIN evidence ON evidence.model = routed.active
  AND evidence.requirement = 'fallback-drill' AND evidence.result = 'pass' AND NOT evidence.withdrawn AND evidence.expires_at > g ->> 'now'
WHERE routed.active IS NOT NULL
GROUP BY routed.use, routed.site, routed.active
ORDER BY ok, routed.use
