SELECT DISTINCT person_id FROM condition_occurrence WHERE person_id IS NOT NULL
