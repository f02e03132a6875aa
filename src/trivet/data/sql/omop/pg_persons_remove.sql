DELETE FROM {schema}"{table}" WHERE person_id = ANY(CAST(:gone AS bigint[]))
