-- columns: system varchar, seat varchar, principal varchar, since varchar, until varchar, seq bigint
-- who held what, and who holds it (`until` is empty)
select system, seat, principal, since, until, seq
from seat
where seq <= :as_of
order by seq
