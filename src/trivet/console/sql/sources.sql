-- every source that is registered or was ever heard, with what became of its receipts
select
  coalesce(s.source, m.source) as source, coalesce(s.format, m.format) as format, coalesce(s.owner, '') as owner,
  coalesce(s.documented, false) as documented, coalesce(m.landed, 0) as landed, coalesce(m.mapped, 0) as mapped,
  coalesce(m.partial, 0) as partial, coalesce(m.quarantined, 0) as quarantined, coalesce(m.ignored, 0) as ignored,
  coalesce(m.in_flight, 0) as in_flight, m.first_at, m.last_at
from sources s
full join (
  select source, any_value(format) as format, count(*) as landed, count(*) filter (state = 'mapped') as mapped,
    count(*) filter (partial) as partial, count(*) filter (state = 'quarantined') as quarantined,
    count(*) filter (state = 'ignored') as ignored, count(*) filter (state = 'landed') as in_flight,
    min(received_at) as first_at, max(received_at) as last_at
  from messages group by source
) m on m.source = s.source
order by 1
