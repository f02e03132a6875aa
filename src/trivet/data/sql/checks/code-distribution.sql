-- local codes of which most values lie outside of what the standard code can have
WITH judged AS (
  SELECT o.*, o.value NOT BETWEEN p.low AND p.high AS outside
  FROM seen_observation AS o JOIN plausible AS p ON p.loinc = o.loinc AND p.unit = coalesce(o.canonical_unit, '')
  WHERE o.value IS NOT NULL
),
code AS (
  SELECT source, local_system, local_code, loinc, count(*) AS values_seen, avg(CAST(outside AS INTEGER)) AS share FROM judged GROUP BY ALL
)
SELECT j.record, j.person, j.known_seq, c.share > 0.5 AND c.values_seen >= 5 AS breaks,
  'code ' || j.local_code || ' of ' || j.source || ' is mapped to ' || j.loinc || ', which has no such values' AS why
FROM judged AS j
JOIN code AS c ON c.source = j.source AND c.loinc = j.loinc AND c.local_code IS NOT DISTINCT FROM j.local_code AND c.local_system IS NOT DISTINCT FROM j.local_system
