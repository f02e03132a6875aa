delete from link_event where subject in (select value from json_each(?))
