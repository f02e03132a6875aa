-- versions of some types, known at a position, of every record that ever was about one of some subjects
select v.key, v.type, v.id, v.version, v.subject, null, v.valid_at, v.known_seq, v.receipt, v.source, v.deleted, v.body
from record_version as v
where v.known_seq <= :as_of
  and v.key in (
    select h.key from json_each(:subjects) as about join record_version as h on h.subject = about.value and h.known_seq <= :as_of
    where h.type in (select value from json_each(:types))
  )
order by v.known_seq, v.key, v.version
