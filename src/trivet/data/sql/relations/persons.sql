-- columns: person varchar, records bigint, sources bigint, known_seq bigint, in_review bigint
-- every person at the position that is asked for: how many records of how many sources stand behind them, how many doubts wait
with waiting as (
  select person, count(*) as doubts
  from (
    select r.person from link_review as w join identity_record as r on r.subject = w.subject where w.state = 'open' and w.seq <= :as_of
    union all
    select r.person from link_review as w join identity_record as r on r.subject = w.other where w.state = 'open' and w.seq <= :as_of
  )
  group by person
)
select link.person, count(*), count(distinct identity_record.source), min(link.known_seq), coalesce(max(waiting.doubts), 0)
from link
join identity_record on identity_record.subject = link.subject
left join waiting on waiting.person = link.person
where link.known_seq <= :as_of and (link.until_seq is null or link.until_seq > :as_of)
group by link.person
order by link.person
