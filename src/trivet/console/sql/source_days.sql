-- receipts a day over the last 28 days before a moment, one row a source and day that had any
select source, left(received_at, 10) as day, count(*) as receipts
from messages
where received_at >= ? and received_at <= ?
group by all order by all
