-- what medicines and devices are, for references to them
SELECT body FROM record_state WHERE type IN ('Medication', 'Device') ORDER BY record
