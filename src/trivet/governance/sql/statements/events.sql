SELECT seq, kind, at, actor, subject, blob FROM governance_event ORDER BY seq
