-- of each of these records the newest version, and the last unit that spoke of it; of a repaired one the digest of what the source said
select v.key, v.version, coalesce(r.said, v.digest), v.deleted, v.subject, v.type, v.id, v.source, v.body,
  (select max(s.receipt) from record_version as s where s.key = v.key)
from record_version as v
left join repair_version as r on r.record = v.key and r.version = v.version
where v.key in (select value from json_each(?))
  and not exists (select 1 from record_version as n where n.key = v.key and n.version > v.version)
