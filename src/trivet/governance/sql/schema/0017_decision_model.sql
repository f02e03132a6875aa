CREATE INDEX IF NOT EXISTS decision_model ON decision (model, mode, decided_at)
