create index if not exists identity_record_person on identity_record (person)
