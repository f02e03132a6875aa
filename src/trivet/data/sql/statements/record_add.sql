insert into record_version (key, type, id, version, subject, valid_at, known_seq, receipt, source, deleted, digest, body)
values (?, ?, ?, ?, nullif(?, ''), nullif(?, ''), ?, ?, ?, ?, ?, ?)
