SELECT model, actor, reason, at, seq FROM suspension WHERE lifted_at = '' ORDER BY seq
