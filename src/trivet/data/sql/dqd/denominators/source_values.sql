SELECT DISTINCT t.{field} FROM {table} AS t
