-- of each of these records the newest version, and the last unit that spoke of it
select v.key, v.version, v.digest, v.deleted, v.subject, v.type, v.id, v.source, v.body,
  (select max(s.receipt) from record_version as s where s.key = v.key)
from record_version as v
where v.key in (select value from json_each(?))
  and not exists (select 1 from record_version as n where n.key = v.key and n.version > v.version)
