insert into out_attempt (destination, number, attempt, at, sent_seq) values (?, ?, ?, ?, ?)
