-- two identifiers of a patient, each with a value of the shape that the other's system has: of at least 20 values 95 in 100
WITH told AS (
  SELECT record, source, i.system AS system, regexp_replace(regexp_replace(i.value, '[0-9]', '9', 'g'), '[A-Za-z]', 'A', 'g') AS shape
  FROM (SELECT record, source, unnest(identifiers) AS i FROM patient)
  WHERE i.system IS NOT NULL AND i.value IS NOT NULL
),
counted AS (
  SELECT source, system, shape, count(*) AS times, sum(count(*)) OVER (PARTITION BY source, system) AS of_all FROM told GROUP BY source, system, shape
),
usual AS (SELECT source, system, shape FROM counted WHERE of_all >= 20 AND times >= 0.95 * of_all),
swapped AS (
  SELECT a.record, a.system AS one, b.system AS two
  FROM told AS a JOIN told AS b ON b.record = a.record AND a.system < b.system
  JOIN usual AS u ON u.source = a.source AND u.system = a.system
  JOIN usual AS v ON v.source = b.source AND v.system = b.system
  WHERE u.shape <> v.shape AND a.shape = v.shape AND b.shape = u.shape
)
SELECT p.record, p.person, p.known_seq, s.record IS NOT NULL AS breaks,
  'the values of ' || s.one || ' and ' || s.two || ' have each other''s shape, ' || p.source AS why
FROM seen_patient AS p LEFT JOIN swapped AS s ON s.record = p.record
QUALIFY row_number() OVER (PARTITION BY p.record ORDER BY s.one, s.two) = 1
