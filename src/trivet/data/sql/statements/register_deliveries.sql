select count(*), coalesce(sum(delivery.repeated), 0)
from delivery join receipt on receipt.seq = delivery.receipt
where receipt.source = :source and substr(delivery.received_at, 1, 10) >= :since and substr(delivery.received_at, 1, 10) <= :until
