-- columns: source varchar, format varchar, day varchar, type varchar, part varchar, units bigint, containers bigint, least bigint, most bigint
-- what each feed carried by day, message type and part; the part '' is the unit itself
select source, format, day, line.value ->> 0 as type, line.value ->> 1 as part,
  line.value ->> 2 as units, line.value ->> 3 as containers, line.value ->> 4 as least, line.value ->> 5 as most
from register_day, json_each(register_day.sums, '$.parts') as line
where :as_of >= 0
order by source, format, day, type, part
