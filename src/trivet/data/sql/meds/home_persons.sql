-- every person with a digest of their versions: whose digest is the same need not be converted again
SELECT person, sha256(string_agg(record || ' ' || version || ' ' || known_seq, chr(10) ORDER BY record)) FROM record_state
WHERE person IS NOT NULL GROUP BY person
