insert into link_event (seq, kind, subject, person, other, rule, grade, score, evidence, moved, actor, at, undoes) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning id
