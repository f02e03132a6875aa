-- one row per person: the birth date and death that most records tell, placeholders left out
CREATE OR REPLACE TEMP TABLE seen_person AS
WITH told AS (
  SELECT person, TRY_CAST(birth_date AS DATE) AS born, count(*) AS times
  FROM seen_patient
  WHERE person IS NOT NULL AND length(birth_date) = 10 AND birth_date NOT IN (SELECT value FROM placeholder WHERE field = 'birth')
  GROUP BY ALL
)
SELECT p.person, b.born, p.died_at
FROM (SELECT person, min(deceased_at) AS died_at FROM seen_patient WHERE person IS NOT NULL GROUP BY person) AS p
LEFT JOIN (SELECT person, born FROM told WHERE born IS NOT NULL QUALIFY row_number() OVER (PARTITION BY person ORDER BY times DESC, born) = 1) AS b ON b.person = p.person
