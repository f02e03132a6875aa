-- record versions that bear a queued local code
WITH queued AS (SELECT DISTINCT source, system, code FROM notices WHERE kind = 'unknown-code'),
coded AS (
  SELECT key AS record, version, source, unnest(from_json(coalesce(json_extract(body, '$.code.coding'), json_extract(body, '$.medicationCodeableConcept.coding'),
    json_extract(body, '$.vaccineCode.coding'), json_extract(body, '$.reasonCode[0].coding')), '[{"system": "VARCHAR", "code": "VARCHAR", "display": "VARCHAR"}]')) AS c
  FROM records
  UNION ALL
  SELECT record, version, source, unnest(codes) FROM measurement WHERE element LIKE 'component%'
)
SELECT DISTINCT coded.record, coded.version, q.source, q.system, q.code
FROM coded JOIN queued AS q ON q.source = coded.source AND q.system = coalesce(coded.c.system, '') AND q.code = coded.c.code
