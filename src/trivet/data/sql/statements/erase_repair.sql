delete from repair where subject in (select value from json_each(?))
