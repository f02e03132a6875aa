-- columns: source varchar, format varchar, field varchar, value varchar, elements bigint, first_day varchar, last_day varchar
-- value sets of coded fields: only values that came at least three times, only fields with at most 200 of them
with total as (
  select source, format, field.key as field, value.key as value, sum(value.value) as elements, min(day) as first_day, max(day) as last_day
  from register_day, json_each(register_day.sums, '$.values') as field, json_each(field.value) as value
  group by source, format, field.key, value.key
)
select source, format, field, value, elements, first_day, last_day
from (select *, count(*) over (partition by source, format, field) as different from total)
where :as_of >= 0 and different <= 200 and elements >= 3
order by source, format, field, elements desc, value
