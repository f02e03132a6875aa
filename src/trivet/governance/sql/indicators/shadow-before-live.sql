-- every model whose answers leave: did it run unseen before?
WITH given AS (SELECT CAST(? AS JSON) AS g),
live AS (SELECT DISTINCT model, version FROM given, grants WHERE stage <> 'silent' AND revoked_at = '' AND expires_at > g ->> 'now')
SELECT count(grants.grant_id) > 0 AS ok, live.model, live.version, coalesce(min(grants.not_before), '') AS silent_since
FROM given, live LEFT JOIN grants ON grants.model = live.model AND grants.version = live.version AND grants.stage = 'silent'
GROUP BY live.model, live.version
ORDER BY ok, live.model
