-- the records of the persons in `wanted`, each person's together, shard by shard; and since when the house knows them
SELECT w.shard, w.subject, r.body, l.at FROM record_state AS r JOIN wanted AS w ON w.person = r.person LEFT JOIN ledger AS l ON l.seq = r.known_seq
ORDER BY w.shard, w.subject, r.record
