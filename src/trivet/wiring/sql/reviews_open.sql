-- doubts about persons that wait for a human
select review, kind, subject, person, other, other_person, rule, score, evidence from reviews where state = 'open'
