SELECT 1 FROM {table} AS t WHERE t.{field} IS NOT NULL
