select id, kind, seq, subject, other, rule, score, evidence, state from link_review where id = ?
