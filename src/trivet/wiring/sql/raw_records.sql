-- the newest version of every record of one type, as it was shelved, and whose it is
SELECT CAST(body AS VARCHAR) AS raw, person FROM record_state WHERE type = ?
