-- published as `records`: every version of every record
select key, type, id, version, person, valid_at, known_seq, receipt, source, body, subject, deleted from record_version
