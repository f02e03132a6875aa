-- columns: seq bigint, use varchar, kind varchar, source varchar, amount varchar, currency varchar, since varchar, until varchar
-- what a use costs, as it was entered: invoice or estimate
select seq, use, kind, source, amount, currency, since, until
from cost
where seq <= :as_of
order by seq
