SELECT person, sha256(string_agg(record || ' ' || version, chr(10) ORDER BY record)) FROM record_state WHERE person IS NOT NULL GROUP BY person
