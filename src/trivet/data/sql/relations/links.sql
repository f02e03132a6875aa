-- columns: key varchar, source varchar, person varchar, candidate varchar, grade varchar, bits double, reason varchar, evidence varchar, kind varchar, receipt bigint, actor varchar, event bigint, review bigint
-- every link that stands at the position that is asked for, with its reason; and the doubtful ones that wait (grade possible), with the candidate
select link.subject, identity_record.source, link.person, null, link_event.grade, link_event.score, link_event.rule, link_event.evidence, link_event.kind,
  link.known_seq, link_event.actor, link.event, null
from link
join link_event on link_event.id = link.event
join identity_record on identity_record.subject = link.subject
where link.known_seq <= :as_of and (link.until_seq is null or link.until_seq > :as_of)
union all
select link_review.subject, one.source, one.person, two.person, 'possible', link_review.score, link_review.rule, link_review.evidence, link_review.kind,
  link_review.seq, '', null, link_review.id
from link_review
join identity_record as one on one.subject = link_review.subject
left join identity_record as two on two.subject = link_review.other
where link_review.state = 'open' and link_review.seq <= :as_of
