-- one row per Location record
SELECT record, version, known_seq, until_seq, source, id, (j).status AS status, (j).name AS name,
  (j).physicalType.coding[1].code AS physical_type, (j).partOf.reference AS part_of, (j).identifier AS identifiers
FROM (
  SELECT *, json_transform(body, '{"status": "VARCHAR", "name": "VARCHAR", "physicalType": {"coding": [{"code": "VARCHAR"}]},
    "partOf": {"reference": "VARCHAR"}, "identifier": [{"system": "VARCHAR", "value": "VARCHAR"}]}') AS j
  FROM record_state WHERE type = 'Location'
)
