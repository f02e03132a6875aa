SELECT 1 FROM {table} AS t JOIN visit_occurrence AS v ON v.visit_occurrence_id = t.visit_occurrence_id
