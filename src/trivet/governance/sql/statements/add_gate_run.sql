INSERT INTO gate_run (seq, gate, model, digest, site, stage_from, stage_to, outcome, failing, evidence_set, policy, at, body)
VALUES (:seq, :gate, :model, :digest, :site, :stage_from, :stage_to, :outcome, :failing, :evidence_set, :policy, :at, :body)
