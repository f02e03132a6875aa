-- one row per Coverage record (`coverage` is another relation: what became of source fields)
SELECT record, version, person, subject, known_seq, until_seq, source, id, (j).status AS status, (j).type.coding[1].code AS type_code,
  coalesce((j).type.text, (j).type.coding[1].display) AS type_text, (j).payor[1].display AS payer, (j).class[1].value AS plan,
  valid_at AS start_at, instant_of((j).period."end") AS end_at
FROM (
  SELECT *, json_transform(body, '{"status": "VARCHAR", "type": {"coding": [{"code": "VARCHAR", "display": "VARCHAR"}], "text": "VARCHAR"},
    "payor": [{"display": "VARCHAR"}], "class": [{"value": "VARCHAR"}], "period": {"end": "VARCHAR"}}') AS j
  FROM record_state WHERE type = 'Coverage'
)
