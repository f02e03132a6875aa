select id, person, digest, features, source from identity_record where subject = ?
