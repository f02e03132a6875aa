-- every repair, and the newest version of its record
select r.id, r.found, r.kind, r.check_id, r.record, r.version, r.subject, r.edits, r.evidence, r.state, r.decided, r.made,
  (select max(v.version) from record_version as v where v.key = r.record)
from repair as r
order by r.state = 'open' desc, r.found, r.id
