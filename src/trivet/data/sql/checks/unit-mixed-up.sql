-- impossible in its unit, usual if the number was measured in another unit of the same test
SELECT o.record, o.person, o.known_seq, a.loinc IS NOT NULL AS breaks,
  o.loinc || ' in ' || coalesce(o.unit, 'no unit') || ' would be usual in ' || a.other_unit AS why
FROM seen_observation AS o
JOIN plausible AS p ON p.loinc = o.loinc AND p.unit = coalesce(o.canonical_unit, '')
LEFT JOIN other_unit AS a ON a.loinc = o.loinc AND a.other_unit <> coalesce(o.unit, '') AND (o.value < p.low OR o.value > p.high)
  AND o.sent_value * a.factor + a.add BETWEEN p.usual_low AND p.usual_high
WHERE o.value IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY o.record, o.element ORDER BY abs(ln(nullif(o.sent_value * a.factor + a.add, 0) / (p.usual_low + p.usual_high) * 2)), a.other_unit) = 1
