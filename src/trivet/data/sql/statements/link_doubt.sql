-- one doubt, with the persons of its records today
select link_review.id, link_review.kind, link_review.rule, link_review.score, link_review.evidence, link_review.state,
  link_review.subject, one.person, link_review.other, two.person
from link_review
join identity_record as one on one.subject = link_review.subject
left join identity_record as two on two.subject = link_review.other
where link_review.id = ?
