SELECT 1 FROM {table} AS t WHERE t.person_id IN (SELECT person_id FROM death)
