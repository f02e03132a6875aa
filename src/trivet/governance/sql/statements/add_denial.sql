INSERT INTO denial
  (seq, at, decision_id, use, model, version, model_digest, site, mode, came_of, failed, answered_by)
VALUES
  (:seq, :at, :decision_id, :use, :model, :version, :model_digest, :site, :mode, :came_of, :failed, :answered_by)
