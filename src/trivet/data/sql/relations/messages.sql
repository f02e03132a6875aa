-- columns: receipt bigint, source varchar, format varchar, received_at varchar, state varchar, reason varchar, partial boolean, bytes bigint, run bigint
-- every unit that came in and what became of it
select
  seq, source, format, received_at,
  case when run <= :as_of then state else 'landed' end,
  case when run <= :as_of then reason else '' end,
  case when run <= :as_of then partial else 0 end,
  bytes,
  case when run <= :as_of then run end
from receipt
where seq <= :as_of
order by seq
