-- one row per MedicationRequest record
SELECT record, version, person, subject, known_seq, until_seq, source, id, (j).status AS status, (j).intent AS intent,
  shown((j).medicationCodeableConcept.coding).system AS system, shown((j).medicationCodeableConcept.coding).code AS code,
  coalesce((j).medicationCodeableConcept.text, shown((j).medicationCodeableConcept.coding).display, (j).medicationReference.display) AS display,
  (j).medicationCodeableConcept.coding AS codes, coalesce(valid_at, instant_of((j).authoredOn)) AS authored_at, (j).authoredOn AS authored_text,
  (j).encounter.reference AS encounter
FROM (
  SELECT *, json_transform(body, '{"status": "VARCHAR", "intent": "VARCHAR", "authoredOn": "VARCHAR", "encounter": {"reference": "VARCHAR"},
    "medicationCodeableConcept": {"coding": [{"system": "VARCHAR", "code": "VARCHAR", "display": "VARCHAR"}], "text": "VARCHAR"},
    "medicationReference": {"display": "VARCHAR"}}') AS j
  FROM record_state WHERE type = 'MedicationRequest'
)
