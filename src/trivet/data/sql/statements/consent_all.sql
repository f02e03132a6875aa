-- the newest version of every Consent that stands, with its person as linked now
select l.person, v.key, v.body
from record_version as v
join link as l on l.subject = v.subject and l.until_seq is null
where v.key >= 'Consent/' and v.key < 'Consent0' and v.deleted = 0
  and not exists (select 1 from record_version as n where n.key = v.key and n.version > v.version)
