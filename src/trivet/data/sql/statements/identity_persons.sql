select subject, person from identity_record where subject in (select value from json_each(?))
