SELECT {show} FROM person AS t WHERE NOT EXISTS (SELECT 1 FROM {table} AS o WHERE o.person_id = t.person_id)
