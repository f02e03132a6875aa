SELECT record, receipt, source, body FROM record_state WHERE type IN (SELECT unnest(?)) ORDER BY source, record
