-- one row per stay in one bed: an Encounter of type `bed-stay`, from bed management
SELECT record, version, person, subject, known_seq, until_seq, source, id, (j).status AS status,
  coalesce(instant_of((j).period.start), valid_at) AS start_at, instant_of((j).period."end") AS end_at,
  (j).location[1].location.reference AS location, (j).location[1].location.display AS location_name, (j).partOf.reference AS part_of
FROM (
  SELECT *, json_transform(body, '{"status": "VARCHAR", "type": [{"coding": [{"code": "VARCHAR"}]}],
    "period": {"start": "VARCHAR", "end": "VARCHAR"}, "location": [{"location": {"reference": "VARCHAR", "display": "VARCHAR"}}],
    "partOf": {"reference": "VARCHAR"}}') AS j
  FROM record_state WHERE type = 'Encounter'
)
WHERE list_contains(flatten(list_transform((j).type, lambda t: list_transform(t.coding, lambda c: c.code))), 'bed-stay')
