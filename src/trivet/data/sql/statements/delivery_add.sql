insert into delivery (seq, ordinal, receipt, origin, received_at, pieces, repeated) values (?, ?, ?, ?, ?, ?, ?)
