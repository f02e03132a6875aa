-- what waits for a person, by how often it was met
select kind, system, code, sum(times)::bigint as times, count(*) as receipts, min(receipt) as first
from notices group by all order by times desc, kind, code limit 200
