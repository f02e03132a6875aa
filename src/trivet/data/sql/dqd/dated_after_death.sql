SELECT {show} FROM {table} AS t
JOIN death AS d ON d.person_id = t.person_id
WHERE t.{field} IS NOT NULL AND CAST(t.{field} AS DATE) > CAST(d.death_date AS DATE) + 60
