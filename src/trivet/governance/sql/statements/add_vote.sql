INSERT INTO vote (seq, model, version, digest, site, gate, seat, principal, decision, evidence_set, comment, at)
VALUES (:seq, :model, :version, :digest, :site, :gate, :seat, :principal, :decision, :evidence_set, :comment, :at)
