INSERT INTO outbox (decision_id, sink, state, made_at, done_at, seq) VALUES (:decision_id, :sink, :state, :made_at, :done_at, :seq)
