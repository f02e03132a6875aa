-- one row per Patient record: what one source says about one patient
SELECT record, version, person, subject, known_seq, until_seq, source, id,
  (j).birthDate AS birth_date, (j).gender AS gender,
  (j).name[1].family AS family, array_to_string((j).name[1].given, ' ') AS given,
  (j).address[1].city AS city, (j).address[1].state AS state, (j).address[1].postalCode AS postal_code,
  (j).maritalStatus.coding[1].code AS marital_status, (j).communication[1].language.coding[1].code AS language,
  instant_of((j).deceasedDateTime) AS deceased_at, (j).identifier AS identifiers
FROM (
  SELECT *, json_transform(body, '{"birthDate": "VARCHAR", "gender": "VARCHAR", "deceasedDateTime": "VARCHAR",
    "name": [{"family": "VARCHAR", "given": ["VARCHAR"]}], "address": [{"city": "VARCHAR", "state": "VARCHAR", "postalCode": "VARCHAR"}],
    "maritalStatus": {"coding": [{"code": "VARCHAR"}]}, "communication": [{"language": {"coding": [{"code": "VARCHAR"}]}}],
    "identifier": [{"system": "VARCHAR", "value": "VARCHAR"}]}') AS j
  FROM record_state WHERE type = 'Patient'
)
