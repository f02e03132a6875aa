-- the newest version of every record of one type, as it was shelved
SELECT CAST(body AS VARCHAR) AS raw FROM record_state WHERE type = ?
