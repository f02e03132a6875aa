-- how each destination stands
select
  destination, count(*) filter (state in ('waiting', 'sending')) as waiting, count(*) filter (state = 'delivered') as delivered,
  count(*) filter (state = 'dead') as dead, count(*) filter (state = 'held') as held,
  min(made_at) filter (state in ('waiting', 'sending')) as oldest, max(done_at) filter (state = 'delivered') as last_delivered,
  coalesce(arg_min(reason, number) filter (state = 'waiting'), '') as reason
from outbox
group by destination
order by destination
