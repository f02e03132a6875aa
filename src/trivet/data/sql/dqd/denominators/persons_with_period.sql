SELECT DISTINCT person_id FROM observation_period WHERE person_id IS NOT NULL
