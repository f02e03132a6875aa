-- a result without a standard code
SELECT record, person, known_seq, NOT coalesce(standard, false) AS breaks,
  'code ' || coalesce(local_code, '(none)') || ' of ' || source || ', ' || count(*) OVER (PARTITION BY source, local_system, local_code) || ' results' AS why
FROM seen_observation
