-- columns: source varchar, format varchar, locator varchar, disposition varchar, rule varchar, elements bigint, receipts bigint, first bigint
-- source elements by place and fate, as of now whatever the position; `first` is a receipt to look at
select source, format, locator, disposition, rule, elements, receipts, first
from coverage
where :as_of >= 0
order by source, format, locator, disposition, rule
