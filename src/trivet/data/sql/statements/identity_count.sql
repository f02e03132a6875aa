select coalesce(max(id), 0) from identity_record
