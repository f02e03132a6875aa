-- columns: receipt bigint, source varchar, code varchar, reason varchar, locator varchar, offset bigint, length bigint, help varchar
-- parts of units that were not taken, with their place in the unit
select reject.receipt, receipt.source, reject.code, reject.reason, reject.locator, reject.offset, reject.length, reject.help
from reject join receipt on receipt.seq = reject.receipt
where receipt.run <= :as_of
order by reject.receipt, reject.ordinal
