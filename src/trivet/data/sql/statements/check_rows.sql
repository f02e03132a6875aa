-- the rows that break a check
SELECT record, person, known_seq, why FROM ({check}) WHERE breaks ORDER BY known_seq, record, why, person LIMIT {limit}
