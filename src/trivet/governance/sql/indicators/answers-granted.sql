-- every answer that left: was there a grant, live at that instant? (counts by use and model)
WITH given AS (SELECT CAST(? AS JSON) AS g)
SELECT coalesce(grants.not_before <= decisions.decided_at AND decisions.decided_at < grants.expires_at, false) AS ok,
  decisions.use, decisions.model, count(*) AS units
FROM given, decisions LEFT JOIN grants USING (grant_id)
WHERE decisions.mode IN ('active', 'fallback') AND decisions.outcome IN ('scored', 'fallback')
GROUP BY ok, decisions.use, decisions.model
ORDER BY ok, decisions.use
