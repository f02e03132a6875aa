SELECT 1 FROM {table} AS t WHERE t.{field} IS NOT NULL AND t.{other_field} IS NOT NULL
