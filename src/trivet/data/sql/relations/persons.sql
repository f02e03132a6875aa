-- columns: person varchar, records bigint, sources bigint, known_seq bigint, in_review bigint
-- every person at the position that is asked for: how many records of how many sources stand behind them, how many doubts wait
select link.person, count(*), count(distinct identity_record.source), min(link.known_seq),
  (select count(*) from link_review join identity_record as r on r.subject in (link_review.subject, link_review.other)
   where link_review.state = 'open' and r.person = link.person)
from link join identity_record on identity_record.subject = link.subject
where link.known_seq <= :as_of and (link.until_seq is null or link.until_seq > :as_of)
group by link.person
order by link.person
