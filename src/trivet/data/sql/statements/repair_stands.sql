-- one version of a record, with what the source said where a repair made it
select v.version, v.type, v.id, v.subject, v.valid_at, v.known_seq, v.receipt, v.source, v.deleted, v.digest, v.body, r.said
from record_version as v left join repair_version as r on r.record = v.key and r.version = v.version
where v.key = :record and v.version = coalesce(:version, (select max(n.version) from record_version as n where n.key = :record))
