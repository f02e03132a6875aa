-- one row per value of an Observation: its own and those of its components; `element` is the path of the value inside the record.
-- `value` and `unit` are as sent; `canonical_value` and `canonical_unit` as normalisation put them beside it, else the same
WITH parsed AS NOT MATERIALIZED (
  SELECT *, json_transform(body, '{"status": "VARCHAR", "effectiveDateTime": "VARCHAR", "effectivePeriod": {"start": "VARCHAR"},
    "category": [{"coding": [{"code": "VARCHAR"}]}], "encounter": {"reference": "VARCHAR"}, "subject": {"reference": "VARCHAR"},
    "code": {"coding": [{"system": "VARCHAR", "code": "VARCHAR", "display": "VARCHAR"}], "text": "VARCHAR"},
    "valueQuantity": {"value": "VARCHAR", "comparator": "VARCHAR", "unit": "VARCHAR", "system": "VARCHAR", "code": "VARCHAR", "exact": "DECIMAL(38,9)",
      "extension": [{"url": "VARCHAR", "valueQuantity": {"value": "VARCHAR", "code": "VARCHAR"}}]},
    "valueCodeableConcept": {"coding": [{"system": "VARCHAR", "code": "VARCHAR", "display": "VARCHAR"}], "text": "VARCHAR"},
    "valueString": "VARCHAR", "valueInteger": "VARCHAR", "valueBoolean": "VARCHAR",
    "component": [{"code": {"coding": [{"system": "VARCHAR", "code": "VARCHAR", "display": "VARCHAR"}], "text": "VARCHAR"},
      "valueQuantity": {"value": "VARCHAR", "comparator": "VARCHAR", "unit": "VARCHAR", "system": "VARCHAR", "code": "VARCHAR", "exact": "DECIMAL(38,9)",
        "extension": [{"url": "VARCHAR", "valueQuantity": {"value": "VARCHAR", "code": "VARCHAR"}}]},
      "valueCodeableConcept": {"coding": [{"system": "VARCHAR", "code": "VARCHAR", "display": "VARCHAR"}], "text": "VARCHAR"},
      "valueString": "VARCHAR", "valueInteger": "VARCHAR", "valueBoolean": "VARCHAR"}]}') AS j
  FROM record_state WHERE type = 'Observation'
),
part AS NOT MATERIALIZED (
  SELECT *, unnest(list_prepend(
    {'at': '', 'part': {'code': (j).code, 'valueQuantity': (j).valueQuantity, 'valueCodeableConcept': (j).valueCodeableConcept,
      'valueString': (j).valueString, 'valueInteger': (j).valueInteger, 'valueBoolean': (j).valueBoolean}},
    list_transform(coalesce((j).component, []), lambda c, i: {'at': 'component[' || (i - 1) || '].', 'part': c}))) AS e
  FROM parsed
),
valued AS NOT MATERIALIZED (
  SELECT *, e.part.valueQuantity AS q, e.part.valueCodeableConcept AS answer, shown(e.part.code.coding) AS named,
    list_filter(e.part.valueQuantity.extension, lambda x: x.url = 'urn:trivet:fhir:canonical-quantity')[1].valueQuantity AS canonical
  FROM part
  WHERE e.part.valueQuantity.value IS NOT NULL OR e.part.valueCodeableConcept IS NOT NULL OR e.part.valueString IS NOT NULL
    OR e.part.valueInteger IS NOT NULL OR e.part.valueBoolean IS NOT NULL
)
SELECT record, version, person, subject, known_seq, until_seq, source, id, (j).status AS status,
  (j).category[1].coding[1].code AS category, valid_at AS taken_at, coalesce((j).effectiveDateTime, (j).effectivePeriod.start) AS taken_text,
  (j).encounter.reference AS encounter, (j).subject.reference AS about,
  e.at || CASE WHEN q.value IS NOT NULL THEN 'valueQuantity.value' WHEN answer IS NOT NULL THEN 'valueCodeableConcept'
    WHEN e.part.valueInteger IS NOT NULL THEN 'valueInteger' WHEN e.part.valueBoolean IS NOT NULL THEN 'valueBoolean' ELSE 'valueString' END AS element,
  named.system AS system, named.code AS code, coalesce(e.part.code.text, named.display) AS display, e.part.code.coding AS codes,
  CAST(coalesce(q.value, e.part.valueInteger) AS DOUBLE) AS value, coalesce(q.value, e.part.valueInteger) AS lexeme, q.comparator AS comparator,
  CASE WHEN q.system = 'http://unitsofmeasure.org' THEN q.code END AS unit, q.unit AS unit_text,
  CAST(coalesce(canonical.value, q.value, e.part.valueInteger) AS DOUBLE) AS canonical_value,
  coalesce(canonical.code, CASE WHEN q.system = 'http://unitsofmeasure.org' THEN q.code END) AS canonical_unit,
  coalesce(e.part.valueString, answer.text, shown(answer.coding).display, e.part.valueBoolean) AS text, answer.coding AS answers
FROM valued
