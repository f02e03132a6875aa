-- every use that is routed: does another model stand behind the live one?
WITH given AS (SELECT CAST(? AS JSON) AS g),
routed AS (SELECT use, site, max_by(active, version) AS active, max_by(fallbacks, version) AS fallbacks FROM routes GROUP BY use, site)
SELECT json_array_length(fallbacks) > 0 AS ok, use, site, active, json_array_length(fallbacks) AS behind
FROM given, routed
WHERE active IS NOT NULL
ORDER BY ok, use
