SELECT {show} FROM {table} AS t WHERE t.{field} IS NULL
