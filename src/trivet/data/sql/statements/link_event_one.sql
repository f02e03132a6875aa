select id, seq, kind, subject, person, other, rule, grade, score, evidence, moved, actor, at, undoes from link_event where id = ?
