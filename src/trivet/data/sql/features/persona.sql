-- age in completed years, and whether the person is recorded as female: what most of the person's sources say, placeholders left out
WITH told AS (
  SELECT c.case_id, c.instant, p.record, p.version, p.known_seq, p.gender,
    CASE WHEN length(p.birth_date) = 10 AND p.birth_date NOT IN (SELECT item FROM placeholder_birth_date) THEN TRY_CAST(p.birth_date AS DATE) END AS born
  FROM cohort AS c
  JOIN patient AS p ON p.person = c.person AND stood(p.known_seq, p.until_seq, c.as_of)
),
said AS (
  SELECT case_id, 'age' AS feature, CAST(year(instant) - year(born) - CAST(strftime(instant, '%m%d') < strftime(born, '%m%d') AS INTEGER) AS DOUBLE) AS value, CAST(born AS VARCHAR) AS word, record, version, known_seq, 'birthDate' AS path
  FROM told WHERE born <= instant
  UNION ALL
  SELECT case_id, 'female', CAST(gender = 'female' AS DOUBLE), gender, record, version, known_seq, 'gender' FROM told WHERE gender IN ('female', 'male')
)
SELECT case_id, feature, value, CAST(NULL AS TIMESTAMP) AS newest_at, CAST(NULL AS VARCHAR) AS why,
  list({'record': record, 'version': version, 'path': path} ORDER BY record, version) AS facts
FROM said
GROUP BY case_id, feature, value, word
QUALIFY row_number() OVER (PARTITION BY case_id, feature ORDER BY count(*) DESC, max(known_seq) DESC, word DESC) = 1
