select key, max(version), digest, subject, valid_at from record_version where key in (select value from json_each(?)) group by key
