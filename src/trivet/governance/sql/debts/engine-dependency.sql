-- channels that a channel or a script sends to and that no export describes
WITH given AS (SELECT CAST(? AS JSON) AS g),
need AS (SELECT interface, imported_at, unnest(from_json(needs, '["VARCHAR"]')) AS target FROM interfaces)
SELECT interface || ' -> ' || target AS asset, 'the other end is in no export' AS detail,
  0 AS events_per_month, CAST(NULL AS BIGINT) AS decisions, imported_at AS since
FROM given, need
WHERE target NOT IN (SELECT id FROM interfaces WHERE kind = 'channel') AND target NOT IN (SELECT interface FROM interfaces WHERE kind = 'channel')
ORDER BY asset
