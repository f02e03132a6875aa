SELECT seq, kind, at, actor, subject, blob FROM governance_event WHERE subject = ? ORDER BY seq
