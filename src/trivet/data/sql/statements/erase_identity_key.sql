delete from identity_key where record in (select value from json_each(?))
