create index if not exists record_version_subject on record_version (subject, known_seq) where subject is not null
