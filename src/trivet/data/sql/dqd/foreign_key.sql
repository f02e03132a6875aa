SELECT {show} FROM {table} AS t LEFT JOIN {other} AS o ON o.{other_field} = t.{field} WHERE o.{other_field} IS NULL AND t.{field} IS NOT NULL
