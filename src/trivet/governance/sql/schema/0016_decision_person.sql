CREATE INDEX IF NOT EXISTS decision_person ON decision (person, use, decided_at)
