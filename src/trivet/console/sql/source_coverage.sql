-- one source's fields by place and fate
select locator, disposition, rule, elements, receipts, first
from coverage where source = ?
order by case disposition when 'uncovered' then 0 when 'rejected' then 1 when 'carried' then 2 when 'dropped' then 3 else 4 end, elements desc, locator
