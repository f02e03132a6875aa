SELECT 1 FROM {table} AS t JOIN death AS d ON d.person_id = t.person_id WHERE t.{field} IS NOT NULL
