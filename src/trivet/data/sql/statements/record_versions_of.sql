-- every version known at a position of every record that ever was about a person who is linked now, with the person of each version
with held as (
  select subject from link where person = :person and known_seq <= :as_of and (until_seq is null or until_seq > :as_of)
)
select v.key, v.type, v.id, v.version, v.subject, l.person, v.valid_at, v.known_seq, v.receipt, v.source, v.deleted, v.body
from record_version as v
left join link as l on l.subject = v.subject and l.known_seq <= :as_of and (l.until_seq is null or l.until_seq > :as_of)
where v.known_seq <= :as_of
  and v.key in (select h.key from held join record_version as h on h.subject = held.subject and h.known_seq <= :as_of)
order by v.known_seq, v.key, v.version
