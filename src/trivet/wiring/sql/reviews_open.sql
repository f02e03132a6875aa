-- doubts about persons that wait for a human, the most urgent first, then the strongest
select review, urgency, kind, subject, person, other, other_person, rule, score, evidence from reviews where state = 'open' order by urgency, score desc, review
