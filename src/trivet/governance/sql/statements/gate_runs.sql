SELECT seq, gate, model, digest, site, stage_from, stage_to, outcome, failing, evidence_set, policy, at, body
FROM gate_run WHERE :model = '' OR model = :model ORDER BY seq
