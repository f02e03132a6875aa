-- impossible in its unit, and usual if the number was measured in another unit of the same test, as most impossible values of the code are
WITH judged AS (
  SELECT o.record, o.element, o.person, o.known_seq, o.source, o.local_system, o.local_code, o.loinc, o.unit, o.sent_value, p.usual_low, p.usual_high,
    o.value < p.low OR o.value > p.high AS impossible
  FROM seen_observation AS o JOIN plausible AS p ON p.loinc = o.loinc AND p.unit = coalesce(o.canonical_unit, '')
  WHERE o.value IS NOT NULL
),
tried AS (
  SELECT j.*, a.other_unit, j.sent_value * a.factor + a.add AS would_be
  FROM judged AS j JOIN other_unit AS a ON a.loinc = j.loinc AND a.other_unit <> coalesce(j.unit, '')
  WHERE j.impossible
),
explained AS (
  SELECT source, local_system, local_code, loinc, unit, other_unit, avg(CAST(would_be BETWEEN usual_low AND usual_high AS INTEGER)) AS share
  FROM tried GROUP BY ALL
),
found AS (
  SELECT t.record, t.element, t.other_unit
  FROM tried AS t JOIN explained AS e ON e.source = t.source AND e.loinc = t.loinc AND e.other_unit = t.other_unit AND e.unit IS NOT DISTINCT FROM t.unit
    AND e.local_code IS NOT DISTINCT FROM t.local_code AND e.local_system IS NOT DISTINCT FROM t.local_system
  WHERE t.would_be BETWEEN t.usual_low AND t.usual_high AND e.share >= 0.5
  QUALIFY row_number() OVER (PARTITION BY t.record, t.element ORDER BY e.share DESC, t.other_unit) = 1
)
SELECT j.record, j.person, j.known_seq, f.record IS NOT NULL AS breaks,
  j.loinc || ' in ' || coalesce(j.unit, 'no unit') || ' would be usual in ' || f.other_unit AS why
FROM judged AS j LEFT JOIN found AS f ON f.record = j.record AND f.element = j.element
