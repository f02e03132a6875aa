INSERT INTO decision
  (seq, number, decision_id, use, model, version, model_digest, person, site, instant, as_of, decided_at, outcome, mode, reason, grant_id,
   caused_by, blob)
VALUES
  (:seq, :number, :decision_id, :use, :model, :version, :model_digest, :person, :site, :instant, :as_of, :decided_at, :outcome, :mode, :reason,
   :grant_id, :caused_by, :blob)
