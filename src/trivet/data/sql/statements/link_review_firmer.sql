update link_review set subject = ?1, other = ?2, rule = ?3, score = ?4, evidence = ?5
where mark = ?6 and state = 'open' and rule not like 'same-identifier-but%' and rule <> 'number-disputed' and (?7 or ?4 > coalesce(score, -1000) + 1)
returning id
