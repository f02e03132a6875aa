-- doubtful links, strongest first
select review, kind, subject, other, rule, round(score, 1) as bits, evidence from reviews where state = 'open' order by score desc limit 100
