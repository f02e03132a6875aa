insert into link (subject, person, known_seq, event) values (?, ?, max(?, coalesce((select max(until_seq) from link where subject = ?), 0)), ?)
