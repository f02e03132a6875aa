-- the longest silences of a feed, in seconds, from one receipt to the next
with heard as (
  select delivery.received_at as at, lead(delivery.received_at) over (order by delivery.received_at) as next_at
  from delivery join receipt on receipt.seq = delivery.receipt
  where receipt.source = :source and substr(delivery.received_at, 1, 10) >= :since and substr(delivery.received_at, 1, 10) <= :until
)
select at, next_at, cast(round((julianday(next_at) - julianday(at)) * 86400) as integer) as seconds
from heard where next_at is not null and next_at > at
order by seconds desc, at limit 10
