create unique index if not exists record_version_key on record_version (key, version)
