select key, type, id, version, subject, person, valid_at, known_seq, receipt, source, deleted, body from record_version order by known_seq, key, version
