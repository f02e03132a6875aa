-- columns: review bigint, kind varchar, known_seq bigint, subject varchar, person varchar, other varchar, other_person varchar, rule varchar, score double, evidence varchar, state varchar, urgency bigint
-- links that wait for a human, and those a human decided; `urgency` 1: somebody else may stand under a number, 2: perhaps one person, 3: rather two, 4: a key too crowded
select link_review.id, link_review.kind, link_review.seq, link_review.subject, one.person, link_review.other, two.person, link_review.rule,
  link_review.score, link_review.evidence, link_review.state,
  case
    when link_review.kind = 'crowded' then 4
    when link_review.kind = 'conflict' or link_review.rule like 'same-identifier-but-%' or link_review.rule = 'number-disputed' then 1
    when link_review.rule in ('twins', 'other-name', 'other-birth-date', 'other-sex', 'other-generation') then 3
    else 2
  end as urgency
from link_review
join identity_record as one on one.subject = link_review.subject
left join identity_record as two on two.subject = link_review.other
where link_review.seq <= :as_of
order by link_review.state = 'open' desc, urgency, link_review.score desc, link_review.id
