INSERT INTO governance_event (seq, kind, at, actor, subject, blob, payload_digest) VALUES (?, ?, ?, ?, ?, ?, ?)
