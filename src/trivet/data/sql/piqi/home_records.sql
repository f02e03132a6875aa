SELECT record, receipt, source, person, body FROM record_state WHERE type IN (SELECT unnest(?)) ORDER BY source, record
