CREATE INDEX IF NOT EXISTS denial_decision ON denial (decision_id)
