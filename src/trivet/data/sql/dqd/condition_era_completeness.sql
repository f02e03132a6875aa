SELECT DISTINCT t.person_id FROM condition_occurrence AS t WHERE NOT EXISTS (SELECT 1 FROM {table} AS o WHERE o.person_id = t.person_id)
