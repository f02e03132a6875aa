SELECT model, version, digest, site, gate, seat, principal, decision, evidence_set, comment, at, seq
FROM vote WHERE digest = ? ORDER BY seq
