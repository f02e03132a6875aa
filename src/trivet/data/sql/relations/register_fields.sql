-- columns: source varchar, format varchar, day varchar, part varchar, field varchar, containers bigint, least bigint, most bigint, elements bigint, shortest bigint, longest bigint, digits bigint, decimal bigint, moment bigint, code bigint, words bigint, other bigint, mapped bigint, carried bigint, dropped bigint, uncovered bigint, rejected bigint
-- every field of every feed by day: containers it was in, repeats in them, elements, lengths, shapes, fates
select source, format, day, line.value ->> 0 as part, line.value ->> 1 as field,
  line.value ->> 2 as containers, line.value ->> 3 as least, line.value ->> 4 as most, line.value ->> 5 as elements, line.value ->> 6 as shortest, line.value ->> 7 as longest,
  line.value ->> 8 as digits, line.value ->> 9 as decimal, line.value ->> 10 as moment, line.value ->> 11 as code, line.value ->> 12 as words, line.value ->> 13 as other,
  line.value ->> 14 as mapped, line.value ->> 15 as carried, line.value ->> 16 as dropped, line.value ->> 17 as uncovered, line.value ->> 18 as rejected
from register_day, json_each(register_day.sums, '$.fields') as line
where :as_of >= 0
order by source, format, day, part, field
