-- one row per Appointment record
SELECT record, version, person, subject, known_seq, until_seq, source, id, (j).status AS status, valid_at AS scheduled_at,
  coalesce((j).start, (j).requestedPeriod[1].start) AS scheduled_text, instant_of((j).created) AS booked_at,
  coalesce((j).specialty[1].text, (j).specialty[1].coding[1].code) AS specialty
FROM (
  SELECT *, json_transform(body, '{"status": "VARCHAR", "start": "VARCHAR", "created": "VARCHAR", "requestedPeriod": [{"start": "VARCHAR"}],
    "specialty": [{"text": "VARCHAR", "coding": [{"code": "VARCHAR"}]}]}') AS j
  FROM record_state WHERE type = 'Appointment'
)
