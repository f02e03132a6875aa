-- every local code that waits: how often it came, in how many units, in which types of record and under which name
WITH queued AS (
  SELECT source, system, code, CAST(sum(times) AS BIGINT) AS times, count(DISTINCT receipt) AS units FROM notices WHERE kind = 'unknown-code' GROUP BY ALL
),
coded AS (
  SELECT type, source, unnest(from_json(coalesce(json_extract(body, '$.code.coding'), json_extract(body, '$.medicationCodeableConcept.coding'),
    json_extract(body, '$.vaccineCode.coding'), json_extract(body, '$.reasonCode[0].coding')), '[{"system": "VARCHAR", "code": "VARCHAR", "display": "VARCHAR"}]')) AS c
  FROM records
  UNION ALL
  SELECT 'Observation', source, unnest(codes) FROM measurement WHERE element LIKE 'component%'
),
named AS (
  SELECT source, c.system AS system, c.code AS code, mode(c.display) AS display, list_sort(list(DISTINCT type)) AS types, count(*) AS records FROM coded GROUP BY ALL
)
SELECT q.source, q.system, q.code, n.display, n.types, q.times, q.units, n.records
FROM queued AS q LEFT JOIN named AS n ON n.source = q.source AND coalesce(n.system, '') = q.system AND n.code = q.code
ORDER BY q.times DESC, q.source, q.system, q.code
