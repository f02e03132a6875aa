-- one row per Encounter record; bed stays are encounters of their own type and stand in `bed_stay`
SELECT record, version, person, subject, known_seq, until_seq, source, id,
  (j).status AS status, (j).class.code AS class, shown((j).type[1].coding).code AS type_code,
  flatten(list_transform((j).type, lambda t, n: list_transform(t.coding,
    lambda c, m: {'system': c.system, 'code': c.code, 'path': 'type[' || (n - 1) || '].coding[' || (m - 1) || '].code'}))) AS types, (j).priority.coding[1].code AS priority, (j).hospitalization.admitSource.coding[1].code AS admit_source,
  (j).hospitalization.dischargeDisposition.coding[1].code AS disposition,
  coalesce(instant_of((j).period.start), valid_at) AS start_at, (j).period.start AS start_text,
  instant_of((j).period."end") AS end_at, (j).period."end" AS end_text,
  (j).location[1].location.reference AS location, (j).location[1].location.display AS location_name,
  (j).serviceType.coding[1].code AS service, (j).partOf.reference AS part_of, (j).identifier AS identifiers
FROM (
  SELECT *, json_transform(body, '{"status": "VARCHAR", "class": {"code": "VARCHAR"},
    "type": [{"coding": [{"system": "VARCHAR", "code": "VARCHAR", "display": "VARCHAR"}]}],
    "priority": {"coding": [{"code": "VARCHAR"}]},
    "hospitalization": {"admitSource": {"coding": [{"code": "VARCHAR"}]}, "dischargeDisposition": {"coding": [{"code": "VARCHAR"}]}},
    "period": {"start": "VARCHAR", "end": "VARCHAR"}, "location": [{"location": {"reference": "VARCHAR", "display": "VARCHAR"}}],
    "serviceType": {"coding": [{"code": "VARCHAR"}]}, "partOf": {"reference": "VARCHAR"},
    "identifier": [{"system": "VARCHAR", "value": "VARCHAR"}]}') AS j
  FROM record_state WHERE type = 'Encounter'
)
WHERE NOT coalesce(list_contains(flatten(list_transform((j).type, lambda t: list_transform(t.coding, lambda c: c.code))), 'bed-stay'), false)
