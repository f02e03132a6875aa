-- outside the limits of the test, in its canonical unit
SELECT o.record, o.person, o.known_seq, o.value NOT BETWEEN p.low AND p.high AS breaks, o.loinc || ' outside ' || p.low || ' to ' || p.high || ' ' || p.unit AS why
FROM seen_observation AS o
JOIN plausible AS p ON p.loinc = o.loinc AND p.unit = coalesce(o.canonical_unit, '')
WHERE o.value IS NOT NULL
