SELECT record, person FROM record_state WHERE type = 'Patient' AND person IS NOT NULL
