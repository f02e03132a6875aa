-- a control number that two different messages bear
SELECT record, CAST(NULL AS VARCHAR) AS person, known_seq, version > 1 AS breaks, 'a control number of ' || source || ' used twice' AS why
FROM seen_record WHERE type = 'MessageHeader'
