-- one row per Claim record; money as exact decimals
SELECT record, version, person, subject, known_seq, until_seq, source, id, (j).status AS status, (j).use AS use, (j).type.coding[1].code AS type_code,
  coalesce(valid_at, instant_of((j).created)) AS service_at, instant_of((j).created) AS created_at,
  (j).total.value AS total, (j).total.currency AS currency, (j).insurance[1].coverage.reference AS coverage,
  coalesce((j).insurer.display, (j).insurance[1].coverage.display) AS payer, (j).insurer.reference AS insurer,
  (j).diagnosis AS diagnoses, (j).identifier AS identifiers, len((j).item) AS items
FROM (
  SELECT *, json_transform(body, '{"status": "VARCHAR", "use": "VARCHAR", "created": "VARCHAR", "type": {"coding": [{"code": "VARCHAR"}]},
    "total": {"value": "DECIMAL(18,2)", "currency": "VARCHAR"}, "insurer": {"reference": "VARCHAR", "display": "VARCHAR"},
    "insurance": [{"coverage": {"reference": "VARCHAR", "display": "VARCHAR"}}],
    "diagnosis": [{"sequence": "INTEGER", "diagnosisCodeableConcept": {"coding": [{"system": "VARCHAR", "code": "VARCHAR"}]}}],
    "identifier": [{"system": "VARCHAR", "value": "VARCHAR"}], "item": [{"sequence": "INTEGER"}]}') AS j
  FROM record_state WHERE type = 'Claim'
)
