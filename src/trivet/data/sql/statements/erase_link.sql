delete from link where subject in (select value from json_each(?))
