SELECT 1 FROM {table} AS t
