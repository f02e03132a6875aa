-- every subject that records speak of: is it linked to a person?
WITH given AS (SELECT CAST(? AS JSON) AS g)
SELECT person IS NOT NULL AS ok, source, count(DISTINCT subject) AS units
FROM given, records
WHERE subject IS NOT NULL AND subject <> ''
GROUP BY person IS NOT NULL, source
ORDER BY ok, source
