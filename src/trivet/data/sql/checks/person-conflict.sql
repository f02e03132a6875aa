-- sources of one person that disagree about birth date or sex
WITH told AS (
  SELECT p.*, CASE WHEN birth_date NOT IN (SELECT value FROM placeholder WHERE field = 'birth') THEN birth_date END AS said
  FROM seen_patient AS p WHERE person IS NOT NULL
),
agreed AS (
  SELECT person, count(DISTINCT said) AS births, count(DISTINCT gender) FILTER (gender IN ('male', 'female')) AS sexes, mode(said) AS usual, mode(gender) AS usual_sex
  FROM told GROUP BY person
)
SELECT t.record, t.person, t.known_seq, births > 1 AND t.said <> a.usual OR sexes > 1 AND t.gender <> a.usual_sex AS breaks,
  t.source || ' disagrees about ' || CASE WHEN births > 1 THEN 'birth date' ELSE 'sex' END AS why
FROM told AS t JOIN agreed AS a ON a.person = t.person
