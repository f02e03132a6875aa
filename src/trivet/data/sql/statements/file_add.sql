insert into file (seq, source, origin, bytes, covered, units, repeats, received_at) values (?, ?, ?, ?, ?, ?, ?, ?)
