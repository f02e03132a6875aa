delete from record_version where ordinal in (select value from json_each(?))
