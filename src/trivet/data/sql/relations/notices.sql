-- columns: receipt bigint, source varchar, kind varchar, system varchar, code varchar, locator varchar, offset bigint, length bigint, times bigint
-- what somebody must look at: unknown codes, missing units and the like
select notice.receipt, receipt.source, notice.kind, notice.system, notice.code, notice.locator, notice.offset, notice.length, notice.times
from notice join receipt on receipt.seq = notice.receipt
where receipt.run <= :as_of
order by notice.receipt, notice.kind, notice.system, notice.code
