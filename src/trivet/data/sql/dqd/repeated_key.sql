SELECT {show} FROM {table} AS t WHERE t.{field} IN (SELECT {field} FROM {table} GROUP BY {field} HAVING count(*) > 1)
