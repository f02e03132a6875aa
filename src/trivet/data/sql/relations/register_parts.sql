-- columns: source varchar, format varchar, day varchar, type varchar, part varchar, units bigint, containers bigint, least bigint, most bigint
-- what each feed carried by day, message type and part; the part '' is the unit itself
select source, format, day, type, part, units, containers, least, most
from register_part
where :as_of >= 0
order by source, format, day, type, part
