insert into check_run (seq, at, as_of, checks, failed) values (?, ?, ?, ?, ?)
