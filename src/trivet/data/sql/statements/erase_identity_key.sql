delete from identity_block where record in (select value from json_each(?))
