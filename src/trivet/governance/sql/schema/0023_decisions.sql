-- Published: what other tools may ask about decisions.
CREATE VIEW IF NOT EXISTS decisions AS
SELECT decision_id, use, model, version, person, instant, decided_at, outcome, mode, site, reason, seq
FROM decision
