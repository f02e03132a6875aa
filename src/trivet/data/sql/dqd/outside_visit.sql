SELECT {show} FROM {table} AS t
JOIN visit_occurrence AS v ON v.visit_occurrence_id = t.visit_occurrence_id
WHERE t.{field} < CAST(v.visit_start_date AS DATE) - 7 OR t.{field} > CAST(v.visit_end_date AS DATE) + 7
