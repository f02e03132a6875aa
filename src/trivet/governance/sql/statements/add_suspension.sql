INSERT INTO suspension (seq, model, actor, reason, at) VALUES (:seq, :model, :by, :reason, :at)
