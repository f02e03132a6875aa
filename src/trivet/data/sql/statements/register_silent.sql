-- silences longer than what is expected of the feed: how many, and seconds beyond the expectation in all
with heard as (
  select delivery.received_at as at, lead(delivery.received_at) over (order by delivery.received_at) as next_at
  from delivery join receipt on receipt.seq = delivery.receipt
  where receipt.source = :source and substr(delivery.received_at, 1, 10) >= :since and substr(delivery.received_at, 1, 10) <= :until
),
silence as (
  select cast(round((julianday(next_at) - julianday(at)) * 86400) as integer) as seconds from heard where next_at is not null
)
select count(*), coalesce(sum(seconds - :expected), 0) from silence where seconds > :expected
