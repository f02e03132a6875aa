-- columns: use varchar, site varchar, version bigint, active varchar, fallbacks varchar, shadows varchar, laid_at varchar, seq bigint
-- which model answered for a use since when
select use, site, version, json_extract(active, '$.name'), fallbacks, shadows, at, seq
from route
where seq <= :as_of
order by seq
