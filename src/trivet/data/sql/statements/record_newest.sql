-- of each of these records the newest version; of one that a repair made, the digest of what the source said
select v.key, v.version, coalesce(r.said, v.digest), v.subject, v.valid_at
from (
  select key, max(version) as version, digest, subject, valid_at from record_version where key in (select value from json_each(?)) group by key
) as v
left join repair_version as r on r.record = v.key and r.version = v.version
