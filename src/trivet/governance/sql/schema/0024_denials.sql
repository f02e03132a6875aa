-- Published: every time a model was not called, and why.
CREATE VIEW IF NOT EXISTS denials AS
SELECT seq, at, decision_id, use, model, version, site, mode, came_of, failed, answered_by FROM denial
