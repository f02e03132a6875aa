SELECT person, body FROM record_state WHERE person IN (SELECT unnest(?)) ORDER BY record
