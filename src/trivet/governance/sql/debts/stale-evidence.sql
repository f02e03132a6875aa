-- evidence of live models that has expired or does so within 30 days, newest of its kind
WITH given AS (SELECT CAST(? AS JSON) AS g),
live AS (SELECT DISTINCT model, version FROM given, grants WHERE revoked_at = ''),
newest AS (
  SELECT evidence.model, evidence.version, evidence.requirement, evidence.site, max(evidence.expires_at) AS until
  FROM evidence JOIN live USING (model, version)
  WHERE NOT evidence.withdrawn AND evidence.result = 'pass'
  GROUP BY evidence.model, evidence.version, evidence.requirement, evidence.site
)
SELECT model || ' ' || version || ': ' || requirement AS asset,
  CASE WHEN until <= g ->> 'now' THEN 'expired ' ELSE 'expires ' END || left(until, 10) AS detail,
  0 AS events_per_month, CAST(NULL AS BIGINT) AS decisions, until AS since
FROM given, newest
WHERE until <= g ->> 'in_a_month'
ORDER BY until, asset
