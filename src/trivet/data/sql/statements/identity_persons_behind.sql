select distinct person from identity_record where id in (select value from json_each(?))
