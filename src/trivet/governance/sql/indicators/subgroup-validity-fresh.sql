-- every model whose answers may leave: is its subgroup validity measured here, passed and not expired?
WITH given AS (SELECT CAST(? AS JSON) AS g),
live AS (
  SELECT DISTINCT model, version FROM given, grants
  WHERE stage <> 'silent' AND revoked_at = '' AND expires_at > g ->> 'now'
)
SELECT count(evidence.evidence_id) > 0 AS ok, live.model, live.version, coalesce(max(evidence.value), '') AS value,
  coalesce(max(evidence.n), 0) AS n, coalesce(max(evidence.expires_at), '') AS until
FROM given, live LEFT JOIN evidence ON evidence.model = live.model AND evidence.version = live.version
  AND evidence.requirement = 'subgroup-validity' AND evidence.kind = 'M' AND evidence.result = 'pass' AND NOT evidence.withdrawn
  AND evidence.expires_at > g ->> 'now'
GROUP BY live.model, live.version
ORDER BY ok, live.model
