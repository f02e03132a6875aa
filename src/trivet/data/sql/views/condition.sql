-- one row per Condition record
SELECT record, version, person, subject, known_seq, until_seq, source, id,
  (j).clinicalStatus.coding[1].code AS clinical_status, (j).verificationStatus.coding[1].code AS verification_status,
  (j).category[1].coding[1].code AS category, shown((j).code.coding).system AS system, shown((j).code.coding).code AS code,
  coalesce((j).code.text, shown((j).code.coding).display) AS display, (j).code.coding AS codes,
  coalesce(valid_at, instant_of((j).recordedDate)) AS onset_at, coalesce((j).onsetDateTime, (j).recordedDate) AS onset_text,
  instant_of((j).abatementDateTime) AS abated_at, (j).encounter.reference AS encounter
FROM (
  SELECT *, json_transform(body, '{"clinicalStatus": {"coding": [{"code": "VARCHAR"}]}, "verificationStatus": {"coding": [{"code": "VARCHAR"}]},
    "category": [{"coding": [{"code": "VARCHAR"}]}], "code": {"coding": [{"system": "VARCHAR", "code": "VARCHAR", "display": "VARCHAR"}], "text": "VARCHAR"},
    "onsetDateTime": "VARCHAR", "recordedDate": "VARCHAR", "abatementDateTime": "VARCHAR", "encounter": {"reference": "VARCHAR"}}') AS j
  FROM record_state WHERE type = 'Condition'
)
