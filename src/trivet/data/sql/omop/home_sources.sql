SELECT record, version, receipt, source FROM record_state WHERE record IN (SELECT unnest(?)) ORDER BY record
