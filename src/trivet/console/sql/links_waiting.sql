-- doubtful links, the most urgent first, then the strongest
select review, urgency, kind, subject, other, rule, round(score, 1) as bits, evidence from reviews where state = 'open' order by urgency, score desc, review limit 100
