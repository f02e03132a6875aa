select
  source,
  count(*) as receipts,
  count(*) filter (where state = 'mapped') as mapped,
  count(*) filter (where state = 'quarantined') as quarantined,
  count(*) filter (where state = 'ignored') as ignored,
  count(*) filter (where state = 'landed') as in_flight,
  coalesce(sum(partial), 0) as partial,
  max(received_at) as last_at
from receipt
group by source
order by source
