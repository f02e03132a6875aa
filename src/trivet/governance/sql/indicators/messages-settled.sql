-- every unit that came in: has it reached an end state other than quarantine? (counts by source and state)
WITH given AS (SELECT CAST(? AS JSON) AS g)
SELECT state IN ('mapped', 'ignored') AS ok, source, state, count(*) AS units
FROM given, messages
GROUP BY source, state
ORDER BY ok, source, state
