-- one row per value of an Observation: its own and those of its components; `element` is the path of the value inside the record
SELECT record, version, person, subject, known_seq, until_seq, source, id, (j).status AS status,
  (j).category[1].coding[1].code AS category, valid_at AS taken_at, coalesce((j).effectiveDateTime, (j).effectivePeriod.start) AS taken_text,
  (j).encounter.reference AS encounter, (j).subject.reference AS about,
  e.at || CASE WHEN e.part.valueQuantity.value IS NOT NULL THEN 'valueQuantity.value' WHEN e.part.valueCodeableConcept IS NOT NULL THEN 'valueCodeableConcept'
    WHEN e.part.valueInteger IS NOT NULL THEN 'valueInteger' WHEN e.part.valueBoolean IS NOT NULL THEN 'valueBoolean' ELSE 'valueString' END AS element,
  shown(e.part.code.coding).system AS system, shown(e.part.code.coding).code AS code,
  coalesce(e.part.code.text, shown(e.part.code.coding).display) AS display, e.part.code.coding AS codes,
  CAST(coalesce(e.part.valueQuantity.value, e.part.valueInteger) AS DOUBLE) AS value, coalesce(e.part.valueQuantity.value, e.part.valueInteger) AS lexeme,
  e.part.valueQuantity.comparator AS comparator,
  CASE WHEN e.part.valueQuantity.system = 'http://unitsofmeasure.org' THEN e.part.valueQuantity.code END AS unit, e.part.valueQuantity.unit AS unit_text,
  coalesce(e.part.valueString, e.part.valueCodeableConcept.text, shown(e.part.valueCodeableConcept.coding).display, e.part.valueBoolean) AS text,
  e.part.valueCodeableConcept.coding AS answers
FROM (
  SELECT *, unnest(list_prepend(
    {'at': '', 'part': {'code': (j).code, 'valueQuantity': (j).valueQuantity, 'valueCodeableConcept': (j).valueCodeableConcept,
      'valueString': (j).valueString, 'valueInteger': (j).valueInteger, 'valueBoolean': (j).valueBoolean}},
    list_transform(coalesce((j).component, []), lambda c, i: {'at': 'component[' || (i - 1) || '].', 'part': c}))) AS e
  FROM (
    SELECT *, json_transform(body, '{"status": "VARCHAR", "effectiveDateTime": "VARCHAR", "effectivePeriod": {"start": "VARCHAR"},
      "category": [{"coding": [{"code": "VARCHAR"}]}], "encounter": {"reference": "VARCHAR"}, "subject": {"reference": "VARCHAR"},
      "code": {"coding": [{"system": "VARCHAR", "code": "VARCHAR", "display": "VARCHAR"}], "text": "VARCHAR"},
      "valueQuantity": {"value": "VARCHAR", "comparator": "VARCHAR", "unit": "VARCHAR", "system": "VARCHAR", "code": "VARCHAR", "exact": "DECIMAL(38,9)"},
      "valueCodeableConcept": {"coding": [{"system": "VARCHAR", "code": "VARCHAR", "display": "VARCHAR"}], "text": "VARCHAR"},
      "valueString": "VARCHAR", "valueInteger": "VARCHAR", "valueBoolean": "VARCHAR",
      "component": [{"code": {"coding": [{"system": "VARCHAR", "code": "VARCHAR", "display": "VARCHAR"}], "text": "VARCHAR"},
        "valueQuantity": {"value": "VARCHAR", "comparator": "VARCHAR", "unit": "VARCHAR", "system": "VARCHAR", "code": "VARCHAR", "exact": "DECIMAL(38,9)"},
        "valueCodeableConcept": {"coding": [{"system": "VARCHAR", "code": "VARCHAR", "display": "VARCHAR"}], "text": "VARCHAR"},
        "valueString": "VARCHAR", "valueInteger": "VARCHAR", "valueBoolean": "VARCHAR"}]}') AS j
    FROM record_state WHERE type = 'Observation'
  )
)
WHERE e.part.valueQuantity.value IS NOT NULL OR e.part.valueCodeableConcept IS NOT NULL OR e.part.valueString IS NOT NULL
  OR e.part.valueInteger IS NOT NULL OR e.part.valueBoolean IS NOT NULL
