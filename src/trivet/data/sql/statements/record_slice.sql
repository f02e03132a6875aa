-- the newest version of each of a person's records that was known at a position, without those that were taken back
with held as (
  select subject from link where person = :person and known_seq <= :as_of and (until_seq is null or until_seq > :as_of)
)
select v.key, v.type, v.id, v.version, v.subject, :person, v.valid_at, v.known_seq, v.receipt, v.source, v.deleted, v.body
from held join record_version as v on v.subject = held.subject and v.known_seq <= :as_of
where v.deleted = 0
  and not exists (select 1 from record_version as n where n.key = v.key and n.version > v.version and n.known_seq <= :as_of)
order by v.key
