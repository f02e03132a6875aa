DELETE FROM "{table}" WHERE person_id IN (SELECT person_id FROM gone)
