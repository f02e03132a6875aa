select count(*) from receipt where state = 'landed' and seq in (select value from json_each(?))
