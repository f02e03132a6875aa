SELECT {show} FROM {table} AS t
WHERE t.{field} = {concept} AND {wrong_unit} AND t.value_as_number IS NOT NULL AND t.unit_source_value IS NOT NULL
