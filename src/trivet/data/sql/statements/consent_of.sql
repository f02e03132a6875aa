-- the newest version of every Consent of one person that stands
select l.person, v.key, v.body
from link as l
join record_version as v on v.subject = l.subject and v.type = 'Consent' and v.deleted = 0
where l.person = ? and l.until_seq is null
  and not exists (select 1 from record_version as n where n.key = v.key and n.version > v.version)
