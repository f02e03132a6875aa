-- every trained model with a live grant: was it measured here against the simple score it would replace?
WITH given AS (SELECT CAST(? AS JSON) AS g),
live AS (
  SELECT DISTINCT releases.model, releases.version
  FROM given, grants JOIN releases USING (model, version)
  WHERE releases.kind = 'trained' AND grants.revoked_at = '' AND grants.expires_at > g ->> 'now'
)
SELECT count(evidence.evidence_id) > 0 AS ok, live.model, live.version, coalesce(max(evidence.expires_at), '') AS until
FROM given, live LEFT JOIN evidence ON evidence.model = live.model AND evidence.version = live.version
  AND evidence.requirement = 'comparator' AND evidence.kind = 'M' AND evidence.result = 'pass' AND NOT evidence.withdrawn
  AND evidence.expires_at > g ->> 'now'
GROUP BY live.model, live.version
ORDER BY ok, live.model
