-- columns: repair varchar, kind varchar, check_id varchar, record varchar, version bigint, person varchar, state varchar, made bigint, edits varchar, evidence varchar, known_seq bigint, decided_seq bigint
-- repairs that checks proposed, with what a person decided by now
select repair.id, repair.kind, repair.check_id, repair.record, repair.version, link.person, repair.state, repair.made, repair.edits, repair.evidence,
  repair.found, repair.decided
from repair
left join link on link.subject = repair.subject and link.known_seq <= :as_of and (link.until_seq is null or link.until_seq > :as_of)
where repair.found <= :as_of
order by repair.found, repair.id
