select id, subject, person, features from identity_record where id in (select value from json_each(?)) order by id
