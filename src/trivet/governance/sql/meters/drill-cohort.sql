-- whom a drill is tried on: the persons and instants of the newest answers of each use
WITH given AS (SELECT CAST(? AS JSON) AS g)
SELECT use, person, instant
FROM given, decisions
WHERE mode <> 'shadow' AND person <> ''
QUALIFY row_number() OVER (PARTITION BY use ORDER BY seq DESC) <= 50
ORDER BY use, seq DESC
