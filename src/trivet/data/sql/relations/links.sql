-- columns: subject varchar, source varchar, person varchar, known_seq bigint, kind varchar, rule varchar, grade varchar, score double, evidence varchar, actor varchar, at varchar, event bigint
-- every link that stands at the position that is asked for, with its reason
select link.subject, identity_record.source, link.person, link.known_seq, link_event.kind, link_event.rule, link_event.grade, link_event.score,
  link_event.evidence, link_event.actor, link_event.at, link.event
from link
join link_event on link_event.id = link.event
join identity_record on identity_record.subject = link.subject
where link.known_seq <= :as_of and (link.until_seq is null or link.until_seq > :as_of)
order by link.subject
