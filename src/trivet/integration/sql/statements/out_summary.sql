select
  destination,
  count(*) filter (where state in ('waiting', 'sending')) as waiting,
  count(*) filter (where state = 'delivered') as delivered,
  count(*) filter (where state = 'dead') as dead,
  count(*) filter (where state = 'held') as held,
  count(*) filter (where state = 'superseded') as superseded,
  coalesce(min(at) filter (where state in ('waiting', 'sending')), '') as oldest,
  coalesce(max(done_at) filter (where state = 'delivered'), '') as last_delivered,
  coalesce((
    select a.reason from out_attempt as a
    where a.destination = out_message.destination and a.result <> '' and a.result <> 'delivered'
    order by a.sent_seq desc limit 1
  ), '') as last_failure
from out_message
group by destination
order by destination
