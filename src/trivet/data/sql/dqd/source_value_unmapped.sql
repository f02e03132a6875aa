SELECT DISTINCT t.{field} FROM {table} AS t WHERE t.{other_field} = 0
