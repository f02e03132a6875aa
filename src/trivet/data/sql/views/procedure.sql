-- one row per Procedure record
SELECT record, version, person, subject, known_seq, until_seq, source, id, (j).status AS status,
  shown((j).code.coding).system AS system, shown((j).code.coding).code AS code, coalesce((j).code.text, shown((j).code.coding).display) AS display,
  (j).code.coding AS codes, valid_at AS performed_at, (j).encounter.reference AS encounter
FROM (
  SELECT *, json_transform(body, '{"status": "VARCHAR", "encounter": {"reference": "VARCHAR"},
    "code": {"coding": [{"system": "VARCHAR", "code": "VARCHAR", "display": "VARCHAR"}], "text": "VARCHAR"}}') AS j
  FROM record_state WHERE type = 'Procedure'
)
