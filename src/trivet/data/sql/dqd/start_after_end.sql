SELECT {show} FROM {table} AS t WHERE CAST(t.{field} AS DATE) > CAST(t.{other_field} AS DATE)
