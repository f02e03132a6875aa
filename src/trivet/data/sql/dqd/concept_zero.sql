-- a unit is expected of numbers only
SELECT {show} FROM {table} AS t WHERE t.{field} = 0 AND {has_number}
