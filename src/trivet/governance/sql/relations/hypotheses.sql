-- columns: digest varchar, use varchar, metric varchar, locked_at varchar, seq bigint
-- value hypotheses, each locked by its digest
select digest, use, metric, locked_at, seq
from hypothesis
where seq <= :as_of
order by seq
