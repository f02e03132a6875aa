SELECT 1 FROM {table} AS t WHERE t.{field} = {concept} AND t.value_as_number IS NOT NULL AND t.unit_source_value IS NOT NULL
