-- what the values of each queued local code look like, by unit; codes of components too
WITH queued AS (SELECT DISTINCT source, system, code FROM notices WHERE kind = 'unknown-code'),
valued AS (SELECT source, unnest(codes) AS c, value, unit FROM measurement)
SELECT v.source, v.c.system AS system, v.c.code AS code, v.unit, count(*) AS n, count(v.value) AS numeric, median(v.value) AS middle
FROM valued AS v JOIN queued AS q ON q.source = v.source AND q.system = coalesce(v.c.system, '') AND q.code = v.c.code
GROUP BY ALL ORDER BY v.source, system, code, n DESC, v.unit
