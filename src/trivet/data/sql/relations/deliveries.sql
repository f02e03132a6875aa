-- columns: seq bigint, receipt bigint, source varchar, origin varchar, received_at varchar, repeated boolean
-- every handing over of a unit, repeats included
select delivery.seq, delivery.receipt, receipt.source, delivery.origin, delivery.received_at, delivery.repeated
from delivery join receipt on receipt.seq = delivery.receipt
where delivery.seq <= :as_of
order by delivery.seq, delivery.ordinal
