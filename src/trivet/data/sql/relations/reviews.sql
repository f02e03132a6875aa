-- columns: review bigint, kind varchar, known_seq bigint, subject varchar, person varchar, other varchar, other_person varchar, rule varchar, score double, evidence varchar, state varchar
-- links that wait for a human, and those a human decided
select link_review.id, link_review.kind, link_review.seq, link_review.subject, one.person, link_review.other, two.person, link_review.rule,
  link_review.score, link_review.evidence, link_review.state
from link_review
join identity_record as one on one.subject = link_review.subject
left join identity_record as two on two.subject = link_review.other
where link_review.seq <= :as_of
order by link_review.state = 'open' desc, link_review.score desc, link_review.id
