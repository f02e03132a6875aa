-- {other_field} of the same row, or of the person, where a birth that is not dated is taken for the first of June
SELECT {show} FROM {table} AS t {join} WHERE {earlier} > CAST(t.{field} AS DATE)
