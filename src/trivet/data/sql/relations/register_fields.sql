-- columns: source varchar, format varchar, day varchar, part varchar, field varchar, containers bigint, least bigint, most bigint, elements bigint, shortest bigint, longest bigint, digits bigint, decimal bigint, moment bigint, code bigint, words bigint, other bigint, mapped bigint, carried bigint, dropped bigint, uncovered bigint, rejected bigint
-- every field of every feed by day: containers it was in, repeats in them, elements, lengths, shapes, fates
select source, format, day, part, field, containers, least, most, elements, shortest, longest,
  digits, decimal, moment, code, words, other, mapped, carried, dropped, uncovered, rejected
from register_field
where :as_of >= 0
order by source, format, day, part, field
