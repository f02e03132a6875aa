-- every live grant: are all duties of its model filled now?
WITH given AS (SELECT CAST(? AS JSON) AS g),
live AS (SELECT grant_id, model FROM given, grants WHERE revoked_at = '' AND expires_at > g ->> 'now')
SELECT count(DISTINCT seats.seat) = len(CAST(any_value(g) -> 'duties' AS VARCHAR[])) AS ok, live.grant_id, live.model,
  count(DISTINCT seats.seat) AS filled
FROM given, live LEFT JOIN seats ON seats.system = live.model AND seats.until = ''
  AND seats.seat IN (SELECT unnest(CAST(g -> 'duties' AS VARCHAR[])) FROM given)
GROUP BY live.grant_id, live.model
ORDER BY ok, live.grant_id
