-- what was observed about a patient, one row per value
SELECT * FROM measurement WHERE subject LIKE 'Patient/%'
