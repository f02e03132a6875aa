insert into check_row (run, check_id, ordinal, key, known_seq, why) values (?, ?, ?, ?, ?, ?)
