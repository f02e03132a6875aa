SELECT body FROM record_state WHERE type IN (SELECT unnest(?)) ORDER BY record
