-- what is not said of a birth date is taken for its first month and its first day
SELECT {show} FROM {table} AS t
JOIN person AS p ON p.person_id = t.person_id
WHERE CAST(t.{field} AS DATE) < coalesce(
  CAST(p.birth_datetime AS DATE),
  make_date(CAST(p.year_of_birth AS BIGINT), coalesce(CAST(p.month_of_birth AS BIGINT), 1), coalesce(CAST(p.day_of_birth AS BIGINT), 1))
)
