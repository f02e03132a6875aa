-- every non-empty source element: does a rule speak of it? (counts by source and disposition)
WITH given AS (SELECT CAST(? AS JSON) AS g)
SELECT disposition IN ('mapped', 'carried', 'dropped') AS ok, source, disposition, CAST(sum(elements) AS BIGINT) AS units
FROM given, coverage
GROUP BY source, disposition
ORDER BY ok, source, disposition
