insert into identity_record (subject, source, person, digest, features, first_seq, last_seq) values (?, ?, ?, ?, ?, ?, ?) returning id
