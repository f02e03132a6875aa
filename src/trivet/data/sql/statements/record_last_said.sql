-- of these units the records whose newest version is theirs and stands
select v.receipt, v.key
from record_version as v
where v.receipt in (select value from json_each(?)) and v.deleted = 0
  and not exists (select 1 from record_version as n where n.key = v.key and n.version > v.version)
order by v.receipt, v.key
