SELECT 1 FROM {table} AS t WHERE {has_number}
