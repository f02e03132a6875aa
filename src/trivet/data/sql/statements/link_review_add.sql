insert or ignore into link_review (mark, kind, seq, subject, other, rule, score, evidence, state) values (?, ?, ?, ?, ?, ?, ?, ?, 'open') returning id
