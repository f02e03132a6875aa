-- records of one person that disagree about birth date, sex or social security number: all of them, so that both sides are in view
WITH told AS (
  SELECT p.*, CASE WHEN birth_date NOT IN (SELECT value FROM placeholder WHERE field = 'birth') THEN birth_date END AS said,
    CASE WHEN gender IN ('male', 'female') THEN gender END AS sex,
    CASE WHEN p.ssn NOT IN (SELECT value FROM placeholder WHERE field = 'identifier') THEN p.ssn END AS number
  FROM seen_patient AS p WHERE person IS NOT NULL
),
agreed AS (
  SELECT person, count(DISTINCT said) > 1 AS births, count(DISTINCT sex) > 1 AS sexes, count(DISTINCT number) > 1 AS numbers
  FROM told GROUP BY person
),
odd AS (
  SELECT t.*, list_filter([
    CASE WHEN births AND t.said IS NOT NULL THEN 'birth date' END,
    CASE WHEN sexes AND t.sex IS NOT NULL THEN 'sex' END,
    CASE WHEN numbers AND t.number IS NOT NULL THEN 'social security number' END], lambda w: w IS NOT NULL) AS about
  FROM told AS t JOIN agreed AS a ON a.person = t.person
)
SELECT record, person, known_seq, len(about) > 0 AS breaks,
  'sources of this person disagree about ' || array_to_string(about, ', ') || ', ' || source AS why
FROM odd
