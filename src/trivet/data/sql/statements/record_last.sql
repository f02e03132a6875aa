select coalesce(max(ordinal), 0) from record_version
