select body from record_version where type = 'Patient' and subject in (select value from json_each(?))
