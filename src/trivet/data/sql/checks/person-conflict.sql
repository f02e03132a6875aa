-- records of one person that disagree about birth date or sex: all of them, so that both sides are in view
WITH told AS (
  SELECT p.*, CASE WHEN birth_date NOT IN (SELECT value FROM placeholder WHERE field = 'birth') THEN birth_date END AS said,
    CASE WHEN gender IN ('male', 'female') THEN gender END AS sex
  FROM seen_patient AS p WHERE person IS NOT NULL
),
agreed AS (SELECT person, count(DISTINCT said) AS births, count(DISTINCT sex) AS sexes FROM told GROUP BY person)
SELECT t.record, t.person, t.known_seq, births > 1 AND t.said IS NOT NULL OR sexes > 1 AND t.sex IS NOT NULL AS breaks,
  'sources of this person disagree about ' || CASE WHEN births > 1 THEN 'birth date' ELSE 'sex' END || ', ' || t.source AS why
FROM told AS t JOIN agreed AS a ON a.person = t.person
